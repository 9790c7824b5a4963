using System.Net.Sockets;
using System.Text.Json;

namespace Nvwa.Linux.Tests;

/// <summary>Against a real journald: see <see cref="SystemdJournaldInstance"/>.</summary>
public sealed class SystemdJournaldRealTests(SystemdJournaldInstance journald) : IClassFixture<SystemdJournaldInstance>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_is_written_to_a_stream_is_in_the_journal_after_synchronize()
    {
        using Socket stream = Journald.ConnectStream("streamer", "streamer.service", 30, journald.StreamPath);
        stream.Send("plain\n<3>with a level\n"u8);

        Journald.Synchronize(Patience, journald.VarlinkPath);

        Assert.Equal(
            ["6 plain", "3 with a level"],
            await ReadAsync("streamer"));
    }

    [Fact]
    public async Task A_writer_writes_each_line_at_once()
    {
        await using TextWriter writer = Journald.OpenWriter("writer", journald.StreamPath);
        await writer.WriteLineAsync("one");
        await writer.WriteLineAsync("two, ä");

        Journald.Synchronize(Patience, journald.VarlinkPath);

        Assert.Equal(["6 one", "6 two, ä"], await ReadAsync("writer"));
    }

    [Fact]
    public void Relinquished_files_are_closed_and_flushing_opens_them_again()
    {
        Journald.FlushToVar(Patience, journald.VarlinkPath);
        Assert.NotEmpty(journald.OpenPersistentFiles());

        Journald.RelinquishVar(Patience, journald.VarlinkPath);
        Assert.Empty(journald.OpenPersistentFiles());

        Journald.FlushToVar(Patience, journald.VarlinkPath);
        Assert.NotEmpty(journald.OpenPersistentFiles());
    }

    /// <summary>
    /// Level and text of the identifier's entries, wherever they are by now. Not the unit: journald remembers what it once found
    /// out of a sender, and other tests of this process may have been there before.
    /// </summary>
    private async Task<string[]> ReadAsync(string identifier)
    {
        SpawnRequest request = new(
            "journalctl",
            [
                .. journald.Files().Select(file => $"--file={file}"),
                "--output=json", "--output-fields=PRIORITY,MESSAGE", $"SYSLOG_IDENTIFIER={identifier}",
            ]);
        SpawnResult result = await Spawn.RunAsync(request, Patience, CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Error);
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Describe)];
    }

    private static string Describe(string entry)
    {
        using var document = JsonDocument.Parse(entry);
        JsonElement fields = document.RootElement;
        return $"{fields.GetProperty("PRIORITY")} {fields.GetProperty("MESSAGE")}";
    }
}
