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

    /// <summary>That something cannot be read is no reason to keep less of the rest.</summary>
    /// <param name="links">Those that will be there before the managers start: their names by index.</param>
    public IReadOnlyList<ManagerFile> Read(IReadOnlyDictionary<int, string> links)
    {
        ArgumentNullException.ThrowIfNull(links);
        HashSet<string> names = [.. links.Values];
        HashSet<string> still = Still(Path.Combine(root, "etc/network/interfaces"));
        return
        [
            .. links.OrderBy(link => link.Key)
                .Select(link => (link.Value, Text: TryRead(Path.Combine(root, Devices, link.Key.ToString(CultureInfo.InvariantCulture)))))
                .Where(file => file.Text is not null)
                .Select(file => new ManagerFile(ManagerFileKind.NetworkManagerDevice, file.Value, DeviceOnly(file.Text!))),
            .. Files(Path.Combine(root, Profiles), "*.nmconnection")
                .Select(file => (Name: Path.GetFileName(file), Text: TryRead(file))).Where(file => file.Text is not null)
                .Select(file => new ManagerFile(ManagerFileKind.NetworkManagerProfile, file.Name, file.Text!)),
            .. Files(Path.Combine(root, Interfaces), "*").Where(file => Path.GetFileName(file).StartsWith($"{IfupdownState}.", StringComparison.Ordinal))
                .Select(file => (Name: Path.GetFileName(file)[(IfupdownState.Length + 1)..], Text: TryRead(file)))
                .Where(file => names.Contains(file.Name) && file.Text is { } logical && still.Contains(logical.Trim()))
                .Select(file => new ManagerFile(ManagerFileKind.Ifupdown, file.Name, file.Text!)),
        ];
    }

    /// <summary>Before the managers start, and once the links are there.</summary>
    /// <returns>What could not be written, in words.</returns>
    public IReadOnlyList<string> Write(IReadOnlyList<ManagerFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        List<string> notes = [];
        List<ManagerFile> states = [.. files.Where(file => file.Kind == ManagerFileKind.Ifupdown)];
        foreach (ManagerFile file in files)
        {
            Try(file, () =>
            {
                (string directory, string name, UnixFileMode mode) = Place(file);
                Write(directory, name, file.Content, mode);
            });
        }

        if (states.Count > 0)
        {
            Try(states[0], () => Write(Interfaces, IfupdownState, string.Concat(states.Select(file => $"{file.Name}={file.Content.TrimEnd()}\n")), Readable));
        }

        return notes;

        // The network is as it was by now, whatever becomes of these.
        void Try(ManagerFile file, Action write)
        {
            try
            {
                write();
            }
            catch (Exception failed) when (failed is LinuxException or IOException or UnauthorizedAccessException)
            {
                notes.Add($"{(file.Kind == ManagerFileKind.Ifupdown ? "ifupdown" : "NetworkManager")} will not find what it knew of {file.Name}: {failed.Message}");
                _ = states.Remove(file);
            }
        }
    }

    private (string Directory, string Name, UnixFileMode Mode) Place(ManagerFile file) => file.Kind switch
    {
        ManagerFileKind.NetworkManagerDevice => (Devices, File.ReadAllText(Path.Combine(root, "sys/class/net", file.Name, "ifindex")).Trim(), Readable),
        ManagerFileKind.NetworkManagerProfile => (Profiles, file.Name, Private),
        _ => (Interfaces, $"{IfupdownState}.{file.Name}", Readable),
    };

    private void Write(string directory, string name, string content, UnixFileMode mode)
    {
        PublicDirectory.Make(Path.Combine(root, directory));
        AtomicFile.Write(Path.Combine(root, directory, name), content, mode);
    }

    /// <summary>
    /// Interfaces of interfaces(5) with which ifupdown would only repeat what is done. One with a lease has to get its client again.
    /// </summary>
    private static HashSet<string> Still(string interfaces)
    {
        Dictionary<string, bool> still = [];
        string current = "";
        foreach (string[] words in Stanzas(interfaces, depth: 0))
        {
            current = words[0] is "auto" or "mapping" || words[0].StartsWith("allow-", StringComparison.Ordinal) ? "" : current;
            if (words is ["iface", var name, _, var method, ..])
            {
                current = name;
                still[name] = still.GetValueOrDefault(name, true) && StillMethods.Contains(method);
            }
            else if (current.Length > 0 && (words[0] == "dhcp" || words[0].StartsWith("wpa-", StringComparison.Ordinal)))
            {
                still[current] = false;
            }
        }

        return [.. still.Where(each => each.Value).Select(each => each.Key)];
    }

    /// <summary>Lines in words, with those of other files that it names, as deep as anybody nests them.</summary>
    private static IEnumerable<string[]> Stanzas(string path, int depth)
    {
        foreach (string[] words in (TryRead(path) ?? "").Split('\n').Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 0))
        {
            string? other = words is ["source" or "source-directory", var named] ? Path.Combine(Path.GetDirectoryName(path)!, named) : null;
            IEnumerable<string> files = other is null || depth > 3 ? []
                : words[0] == "source" ? Files(Path.GetDirectoryName(other)!, Path.GetFileName(other))
                : Files(other, "*").Where(file => Path.GetFileName(file).All(each => char.IsAsciiLetterOrDigit(each) || each is '_' or '-'));
            foreach (string[] inner in files.SelectMany(file => Stanzas(file, depth + 1)))
            {
                yield return inner;
            }

            yield return words;
        }
    }

    /// <summary>What else is in there is of the lease, which is asked for anew.</summary>
    private static string DeviceOnly(string content)
    {
        IEnumerable<string> rest = content.Split('\n').SkipWhile(line => line.Trim() != DeviceGroup).Skip(1);
        return $"{DeviceGroup}\n{string.Concat(rest.TakeWhile(line => !line.StartsWith('[')).Where(line => line.Length > 0).Select(line => $"{line}\n"))}";
    }

    private static IEnumerable<string> Files(string directory, string pattern) =>
        Directory.Exists(directory) ? Directory.EnumerateFiles(directory, pattern).Order(StringComparer.Ordinal) : [];

    /// <summary>Null where it is not there any more, or is nothing that a manager would write.</summary>
    private static string? TryRead(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: <= LengthLimit } ? File.ReadAllText(path) : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
