using System.Globalization;

namespace Nvwa.Linux;

/// <summary>What a network manager wrote down below /run, to know its links again when it is restarted.</summary>
/// <param name="Kind">Whose, and where it is.</param>
/// <param name="Name">Of the link or, of a profile, of the file.</param>
/// <param name="Content">What is to be written.</param>
public sealed record ManagerFile(ManagerFileKind Kind, string Name, string Content);

/// <summary>Files below /run.</summary>
public enum ManagerFileKind
{
    /// <summary>NetworkManager/devices/INDEX: which profile the link has.</summary>
    NetworkManagerDevice,

    /// <summary>NetworkManager/system-connections/NAME: a profile that is in no other place, such as "Wired connection 1".</summary>
    NetworkManagerProfile,

    /// <summary>network/ifstate.LINK, and its line in network/ifstate: ifupdown has configured the link.</summary>
    Ifupdown,
}

/// <summary>
/// After a change of the kernel /run is empty, so that a network manager would take each link for one that it has never seen:
/// NetworkManager leaves it alone and lets its lease end, or flushes it; ifupdown (0.8) stops at the first address that is there, and
/// takes the ports of bonds down before. With these files both go on as after a restart of their own.
/// </summary>
/// <param name="root">Where the host's files begin; another place only in tests.</param>
public sealed class ManagerFiles(string root)
{
    /// <summary>A profile with certificates in it is some ten of them.</summary>
    public const int LengthLimit = 1 << 20;

    private const string Devices = "run/NetworkManager/devices";
    private const string Profiles = "run/NetworkManager/system-connections";
    private const string Interfaces = "run/network";
    private const string IfupdownState = "ifstate";
    private const string DeviceGroup = "[device]";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Readable = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Methods of interfaces(5) that leave no client running for the link.</summary>
    private static readonly string[] StillMethods = ["static", "manual", "loopback", "auto"];

    /// <param name="links">Their names by index.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public IReadOnlyList<ManagerFile> Read(IReadOnlyDictionary<int, string> links)
    {
        ArgumentNullException.ThrowIfNull(links);
        return
        [
            .. Files(Devices).Where(file => int.TryParse(Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out int index) && links.ContainsKey(index))
                .Select(file => new ManagerFile(ManagerFileKind.NetworkManagerDevice, links[int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture)], DeviceOnly(ReadText(file)))),
            .. Files(Profiles).Select(file => new ManagerFile(ManagerFileKind.NetworkManagerProfile, Path.GetFileName(file), ReadText(file))),
            .. ReadIfupdown(),
        ];
    }

    /// <summary>Before the managers start, and once the links are there.</summary>
    /// <exception cref="LinuxException">A file cannot be written.</exception>
    /// <exception cref="IOException">A link is not there.</exception>
    public void Write(IReadOnlyList<ManagerFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach (ManagerFile file in files)
        {
            (string directory, string name, UnixFileMode mode) = Place(file);
            PublicDirectory.Make(Path.Combine(root, directory));
            AtomicFile.Write(Path.Combine(root, directory, name), file.Content, mode);
        }

        string state = string.Concat(files.Where(file => file.Kind == ManagerFileKind.Ifupdown).Select(file => $"{file.Name}={file.Content.TrimEnd()}\n"));
        if (state.Length > 0)
        {
            AtomicFile.Write(Path.Combine(root, Interfaces, IfupdownState), state, Readable);
        }
    }

    private (string Directory, string Name, UnixFileMode Mode) Place(ManagerFile file) => file.Kind switch
    {
        ManagerFileKind.NetworkManagerDevice => (Devices, File.ReadAllText(Path.Combine(root, "sys/class/net", file.Name, "ifindex")).Trim(), Readable),
        ManagerFileKind.NetworkManagerProfile => (Profiles, file.Name, Private),
        _ => (Interfaces, $"{IfupdownState}.{file.Name}", Readable),
    };

    /// <summary>Links of which ifupdown would only repeat what is done. One with a lease has to get its client again.</summary>
    private IEnumerable<ManagerFile> ReadIfupdown()
    {
        Dictionary<string, bool> still = [];
        foreach (string[] words in Files("etc/network/interfaces.d").Append(Path.Combine(root, "etc/network/interfaces")).Where(File.Exists)
            .SelectMany(File.ReadLines).Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(words => words is ["iface", _, _, _, ..]))
        {
            still[words[1]] = StillMethods.Contains(words[3]) && still.GetValueOrDefault(words[1], true);
        }

        return Files(Interfaces).Where(file => Path.GetFileName(file).StartsWith($"{IfupdownState}.", StringComparison.Ordinal))
            .Select(file => new ManagerFile(ManagerFileKind.Ifupdown, Path.GetFileName(file)[(IfupdownState.Length + 1)..], ReadText(file)))
            .Where(file => still.GetValueOrDefault(file.Content.Trim()));
    }

    /// <summary>What else is in there is of the lease, which is asked for anew.</summary>
    private static string DeviceOnly(string content) => string.Join('\n', content.Split('\n')
        .SkipWhile(line => line.Trim() != DeviceGroup).Take(1)
        .Concat(content.Split('\n').SkipWhile(line => line.Trim() != DeviceGroup).Skip(1).TakeWhile(line => !line.StartsWith('[')))) + "\n";

    private IEnumerable<string> Files(string directory) =>
        Directory.Exists(Path.Combine(root, directory)) ? Directory.EnumerateFiles(Path.Combine(root, directory)).Order(StringComparer.Ordinal) : [];

    private static string ReadText(string path) => new FileInfo(path).Length <= LengthLimit
        ? File.ReadAllText(path)
        : throw new InvalidDataException($"{path} has more than {LengthLimit >> 10} KiB.");
}
