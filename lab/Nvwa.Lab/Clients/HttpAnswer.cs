using System.Globalization;

namespace Nvwa.Lab.Clients;

/// <summary>What a plain HTTP server says before a document.</summary>
internal static class HttpAnswer
{
    private const string Length = "Content-Length: ";

    /// <summary>Asks for a document, and reads on until it begins.</summary>
    /// <returns>Its length in bytes.</returns>
    /// <exception cref="LabException">It is not there, or empty.</exception>
    public static async Task<long> BeginAsync(LineStream lines, string path, CancellationToken cancellationToken)
    {
        await lines.WriteAsync($"GET {path} HTTP/1.1\r\nHost: guest\r\n\r\n", cancellationToken);
        string status = await lines.ReadLineAsync(cancellationToken);
        long length = 0;
        while (await lines.ReadLineAsync(cancellationToken) is { Length: > 0 } header)
        {
            length = header.StartsWith(Length, StringComparison.OrdinalIgnoreCase)
                ? long.Parse(header.AsSpan(Length.Length), NumberStyles.None, CultureInfo.InvariantCulture)
                : length;
        }

        return status == "HTTP/1.1 200 OK" && length > 0 ? length : throw new LabException($"GET {path} was answered with {status}, {length} bytes");
    }
}
