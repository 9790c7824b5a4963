using System.IO.Compression;

namespace Nvwa.Linux;

/// <summary>What a kernel was built with: its .config file.</summary>
/// <param name="source">The file that it was read from.</param>
/// <param name="options">Names without <c>CONFIG_</c>, with their values.</param>
public sealed class KernelConfiguration(string source, IReadOnlyDictionary<string, string> options)
{
    private const string Prefix = "CONFIG_";

    public string Source { get; } = source;

    /// <summary>Built in, or as a module.</summary>
    /// <param name="option">Without <c>CONFIG_</c>.</param>
    public bool Has(string option) => options.GetValueOrDefault(option) is "y" or "m";

    /// <summary>
    /// From <c>/boot/config-V</c>, or where newer packages have it, <c>/usr/lib/modules/V/config</c>; for the running
    /// kernel also from itself. Null if it is nowhere.
    /// </summary>
    /// <param name="root">Where the host's file system begins: <c>/</c>.</param>
    /// <param name="version">As <c>uname -r</c> says it.</param>
    public static KernelConfiguration? Find(string root, string version)
    {
        const string Own = "/proc/config.gz";
        string[] files = [Path.Combine(root, "boot", $"config-{version}"), Path.Combine(root, "usr/lib/modules", version, "config")];
        return files.FirstOrDefault(File.Exists) is { } file ? Parse(file, File.ReadLines(file))
            : version == ProcFs.KernelRelease && File.Exists(Own) ? Parse(Own, ReadCompressed(Own))
            : null;
    }

    /// <summary>Lines <c>CONFIG_X=y</c>; what is off is a comment.</summary>
    internal static KernelConfiguration Parse(string source, IEnumerable<string> lines) => new(
        source,
        lines.Where(line => line.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(line => line[Prefix.Length..].Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal));

    private static IEnumerable<string> ReadCompressed(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
