using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// Settings below /proc/sys/net, in the network namespace of the calling thread. Some set others as well: those of "all" go
/// first, and what they changed is set again.
/// </summary>
internal static class NetworkSysctls
{
    private const string Root = "/proc/sys/net/";

    /// <summary>Of BPF's compiler: nothing of the network, and for CAP_SYS_ADMIN only.</summary>
    private const string Compiler = "core/bpf_jit";

    /// <summary>The kernel shows and takes no more than a page.</summary>
    private const int LengthLimit = 4096;

    /// <summary>Link-specific ones, which name a link as the fourth part.</summary>
    private static readonly string[] PerLink = ["ipv4/conf/", "ipv4/neigh/", "ipv6/conf/", "ipv6/neigh/"];

    /// <summary>Those that can be read and written, by path.</summary>
    /// <param name="isKept">Whether settings of a link of this name are wanted.</param>
    public static Dictionary<string, string> Read(Func<string, bool> isKept)
    {
        Dictionary<string, string> settings = new(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            string path = file[Root.Length..];
            if (!path.StartsWith(Compiler, StringComparison.Ordinal) && (LinkOf(path) is not { } link || isKept(link)) && TryRead(path) is { Length: > 0 } value)
            {
                settings[path] = value;
            }
        }

        return settings;
    }

    /// <summary>
    /// Null if there is no such setting that can be read and written; empty if it was never set (stable_secret), which the
    /// kernel says by a refusal to show it.
    /// </summary>
    public static string? TryRead(string path)
    {
        // What only one of both can be done with, this refuses to root too.
        using SafeFileHandle? handle = Libc.TryOpen(Root + path, Libc.O_RDWR, out int _);
        if (handle is null)
        {
            return null;
        }

        byte[] buffer = new byte[LengthLimit];
        int count = Libc.TryRead(handle, buffer);
        return count < 0 ? "" : Encoding.UTF8.GetString(buffer, 0, count).TrimEnd('\n');
    }

    /// <returns>Null, or the kernel's refusal.</returns>
    public static LinuxException? TryWrite(string path, string value)
    {
        string file = Root + path;
        try
        {
            using SafeFileHandle handle = Libc.Open(file, Libc.O_WRONLY);
            Libc.WriteAll(handle, Encoding.UTF8.GetBytes(value), file);
            return null;
        }
        catch (LinuxException refused)
        {
            return refused;
        }
    }

    /// <summary>The name of the link whose setting it is; also <c>all</c> and <c>default</c>. Null for the others.</summary>
    public static string? LinkOf(string path) =>
        Array.Exists(PerLink, each => path.StartsWith(each, StringComparison.Ordinal)) ? path.Split('/')[2] : null;

    /// <summary>The same setting of all links: <c>ipv6/conf/*/mtu</c>.</summary>
    public static string OfAnyLink(string path) => LinkOf(path) is null ? path : string.Join('/', path.Split('/').Select((part, index) => index == 2 ? "*" : part));

    /// <summary>Those first that set others.</summary>
    public static IEnumerable<string> InOrder(IEnumerable<string> paths) =>
        paths.OrderBy(path => LinkOf(path) switch { null => 0, "all" => 1, "default" => 2, _ => 3 }).ThenBy(path => path, StringComparer.Ordinal);

    /// <summary>A path that stays below the root, and says what is set.</summary>
    public static bool IsValid(string path) =>
        path.Length < 256 && Array.TrueForAll(path.Split('/'), part => part.Length > 0 && part is not ("." or ".."));
}
