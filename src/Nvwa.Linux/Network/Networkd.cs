namespace Nvwa.Linux;

/// <summary>
/// systemd-networkd takes what it did not set up itself for foreign, and drops it when it takes a link over: addresses of each
/// link that it has a file for, routes and rules altogether. Until the next boot it is told to leave them; see
/// KeepConfiguration= in systemd.network(5) and ManageForeign...= in networkd.conf(5).
/// </summary>
/// <param name="root">Where the host's files begin; another place only in tests.</param>
public sealed class Networkd(string root)
{
    private const string Name = "50-nvwa.conf";
    private const string Runtime = "run/systemd/network";
    private const string Foreign = "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\nManageForeignNextHops=no\n";
    private const string Keep = "[Network]\nKeepConfiguration=yes\n";

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly string[] Places = ["etc/systemd/network", Runtime, "usr/local/lib/systemd/network", "usr/lib/systemd/network"];

    /// <summary>From its next start on.</summary>
    public void KeepForeign()
    {
        Write(Path.Combine(root, "run/systemd/networkd.conf.d", Name), Foreign);
        foreach (string file in Places.Select(place => Path.Combine(root, place)).Where(Directory.Exists)
            .SelectMany(place => Directory.EnumerateFiles(place, "*.network")).Select(Path.GetFileName).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            Write(Path.Combine(root, Runtime, $"{file}.d", Name), Keep);
        }
    }

    /// <summary>From its next start on, but not before, it does what it always did.</summary>
    public void ForgetForeign()
    {
        string[] places =
        [
            Path.Combine(root, "run/systemd/networkd.conf.d"),
            .. Directory.Exists(Path.Combine(root, Runtime)) ? Directory.EnumerateDirectories(Path.Combine(root, Runtime), "*.network.d") : [],
        ];
        foreach (string place in places.Where(place => File.Exists(Path.Combine(place, Name))))
        {
            File.Delete(Path.Combine(place, Name));
            if (!Directory.EnumerateFileSystemEntries(place).Any())
            {
                Directory.Delete(place);
            }
        }
    }

    /// <summary>It reads this as a user of its own; our unit's umask would not let it.</summary>
    private static void Write(string path, string content)
    {
        PublicDirectory.Make(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, content, Readable);
    }
}
