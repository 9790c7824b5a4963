namespace Nvwa.Qemu.Tests;

/// <summary>What a scripted QEMU answers to a command.</summary>
/// <param name="values">One after the other; the last one from then on.</param>
internal sealed class Reply(params string[] values)
{
    private int _next;

    /// <summary>QEMU's words, if it refuses.</summary>
    public string? Error { get; init; }

    /// <summary>Lines that come after the answer.</summary>
    public IReadOnlyList<string> Events { get; init; } = [];

    /// <summary>There is no answer.</summary>
    public bool Hangs { get; init; }

    /// <summary>QEMU ends instead of an answer.</summary>
    public bool Dies { get; init; }

    /// <summary>QEMU ends after the answer, and what comes with it.</summary>
    public bool DiesAfter { get; init; }

    public static string Event(string name, int second, string data = "{}") =>
        $$$"""{"event": "{{{name}}}", "data": {{{data}}}, "timestamp": {"seconds": {{{second}}}, "microseconds": 0}}""";

    public static string Migration(string status, int second) => Event("MIGRATION", second, $$$"""{"status": "{{{status}}}"}""");

    public string Next() => values.Length == 0 ? "{}" : values[Math.Min(_next++, values.Length - 1)];
}
