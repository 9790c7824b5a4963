using System.Text.RegularExpressions;

namespace Nvwa.Qemu;

/// <summary>The command line of a QEMU that runs, as /proc/PID/cmdline has it, and what another QEMU is started with to take its machine over.</summary>
/// <param name="Arguments">The program first.</param>
public sealed partial record QemuCommandLine(IReadOnlyList<string> Arguments)
{
    // What tells a QEMU how to begin, which a machine that goes on does not.
    private static readonly string[] BeginningsWithValue = ["incoming", "loadvm"];
    private const string StartStopped = "S";
    private const string Daemonize = "daemonize";

    // Whose values are words of the operator's or the guest's, and name nothing of the host; or are replaced.
    private static readonly string[] FreeText = ["append", "name", "smbios", "fw_cfg", "incoming"];

    public string Program => Arguments[0];

    /// <summary>What the last -machine says; null if none does.</summary>
    public string? Machine => Values("machine").LastOrDefault();

    /// <summary>Of the machine, by -name; null if it was given none.</summary>
    public string? Name => Values("name").Select(value => Member(value, "guest") ?? Head(value)).FirstOrDefault(name => name.Length > 0);

    /// <summary>Unix sockets that QEMU itself makes for QMP: -qmp unix:PATH, or -mon mode=control with a socket's -chardev.</summary>
    public IReadOnlyList<string> QmpSockets =>
    [
        .. Values("qmp", "qmp-pretty").Where(value => value.StartsWith("unix:", StringComparison.Ordinal)).Select(value => Head(value["unix:".Length..])),
        .. from monitor in Values("mon")
           where Member(monitor, "mode") == "control"
           let id = Member(monitor, "chardev") ?? Head(monitor)
           from device in Values("chardev")
           where Head(device) == "socket" && Member(device, "id") == id && Member(device, "path") is not null
           select Member(device, "path"),
    ];

    /// <summary>Arguments that name descriptors which whoever started QEMU opened for it: to another process they mean nothing.</summary>
    public IReadOnlyList<string> Inherited =>
    [
        .. from pair in Pairs()
           where pair.Name == "add-fd" || (!FreeText.Contains(pair.Name) && Descriptors().IsMatch(pair.Value.Replace(",,", "", StringComparison.Ordinal)))
           select $"-{pair.Name} {pair.Value}",
    ];

    /// <summary>Names of the devices that it was started with; what was plugged in later is not among them.</summary>
    public IReadOnlySet<string> DeviceIds => Values("device").Select(value => Member(value, "id")).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether what the guest writes is thrown away when QEMU ends.</summary>
    public bool ThrowsWritesAway => Pairs().Any(pair => pair.Name == "snapshot") || Values("drive").Any(value => Member(value, "snapshot") == "on");

    /// <summary>Connections of the guest that are sockets of QEMU's own, and end with it.</summary>
    public bool HasUserNetwork => Values("netdev", "nic", "net").Any(value => Head(value) == "user");

    /// <summary>Whether QEMU has given up execve(2).</summary>
    public bool DeniesSpawn => Values("sandbox").Any(value => Member(value, "spawn") == "deny");

    /// <summary>Interfaces of the host that only one QEMU at a time can have.</summary>
    public bool HasTap => Values("netdev", "nic", "net").Any(value => Head(value) is "tap" or "bridge");

    /// <summary>Files that only one QEMU at a time can have.</summary>
    public bool HasPidFile => Values("pidfile").Any();

    /// <summary>Whether it was started with an image, by query-block's name of it: <c>/srv/web.qcow2</c>, <c>nbd://store:10809/web</c>, <c>json:{"driver": ...}</c>.</summary>
    public bool Opens(string image)
    {
        // As it stands there, with its doubled commas, or as a URI has it.
        IEnumerable<string> arguments = Arguments.Where((_, i) => i > 0 && !FreeText.Contains(NameOf(Arguments[i - 1])));
        string[] forms = [.. arguments.SelectMany(argument => new[] { argument, argument.Replace(",,", ",", StringComparison.Ordinal), Uri.UnescapeDataString(argument) })];
        return FilesOf(image).All(file => forms.Any(form => Regex.IsMatch(form, $@"(?<![\w.-]){Regex.Escape(file)}(?![\w./-])", RegexOptions.CultureInvariant)));
    }

    /// <summary>
    /// The same machine for a QEMU that waits for its state. It stays in the foreground: whoever starts it waits for its end, and
    /// one that replaces itself must keep its PID.
    /// </summary>
    /// <param name="program">That is to run; null for the same one.</param>
    /// <param name="machineType">With its version: an alias such as "q35" means another machine to another QEMU.</param>
    /// <param name="incoming">How it gets the state: <see cref="Migration.IncomingArguments"/>, or others.</param>
    public QemuCommandLine ForIncoming(string? program, string machineType, IReadOnlyList<string> incoming)
    {
        var kept = new List<string> { program ?? Program };
        for (int i = 1; i < Arguments.Count; i++)
        {
            string name = NameOf(Arguments[i]);
            if (BeginningsWithValue.Contains(name))
            {
                i++;
            }
            else if (name is not (StartStopped or Daemonize))
            {
                kept.Add(Arguments[i]);
            }
        }

        // It is merged with what is there: keys that come later win.
        return new QemuCommandLine([.. kept, "-machine", machineType, .. incoming]).WithoutRepeatedMachine(machineType);
    }

    /// <summary>What of an image's name stands in any way to name it. That of a network's image QEMU puts together itself, its end is the image's own.</summary>
    private static IEnumerable<string> FilesOf(string image) =>
        image.StartsWith("json:", StringComparison.Ordinal) ? FileNames().Matches(image).SelectMany(found => FilesOf(Regex.Unescape(found.Groups[1].Value)))
        : Protocol().IsMatch(image) ? image.Split(['/', ':', '?', '='], StringSplitOptions.RemoveEmptyEntries).TakeLast(1)
        : [image];

    /// <summary>One more for each update would make the line longer for ever.</summary>
    private QemuCommandLine WithoutRepeatedMachine(string machineType)
    {
        int last = Arguments.Count;
        var kept = new List<string>(Arguments);
        int[] pins = [.. Enumerable.Range(1, last - 2).Where(i => NameOf(Arguments[i]) == "machine" && Arguments[i + 1] == machineType)];
        foreach (int pin in pins.SkipLast(1).Reverse())
        {
            kept.RemoveRange(pin, 2);
        }

        return new QemuCommandLine(kept);
    }

    private IEnumerable<string> Values(params string[] names) => Pairs().Where(pair => names.Contains(pair.Name)).Select(pair => pair.Value);

    /// <summary>Each option with what follows it; an option without a value has the next option for one, which does no harm here.</summary>
    private IEnumerable<(string Name, string Value)> Pairs() =>
        from i in Enumerable.Range(1, Math.Max(0, Arguments.Count - 1))
        where Arguments[i].StartsWith('-')
        select (NameOf(Arguments[i]), i + 1 < Arguments.Count ? Arguments[i + 1] : "");

    private static string NameOf(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) ? argument[2..] : argument.StartsWith('-') ? argument[1..] : "";

    /// <summary>What stands before the first comma; of JSON the driver, or the type, which others may name, too.</summary>
    private static string Head(string value) =>
        value.StartsWith('{') ? Member(value, "driver") ?? Member(value, "type") ?? ""
        : value.StartsWith("type=", StringComparison.Ordinal) ? Head(value["type=".Length..])
        : value.Split(',')[0];

    private static string? Member(string value, string key)
    {
        // "a,,b" is a comma in a value, which none of those has that are asked for here.
        Match found = value.StartsWith('{')
            ? Regex.Match(value, $"\"{key}\"\\s*:\\s*\"([^\"]*)\"", RegexOptions.CultureInvariant)
            : Regex.Match(value, $"(?:^|,){key}=([^,]*)", RegexOptions.CultureInvariant);
        return found.Success ? found.Groups[1].Value : null;
    }

    // block.c, path_has_protocol.
    [GeneratedRegex("^[^/]*:", RegexOptions.CultureInvariant)]
    private static partial Regex Protocol();

    [GeneratedRegex(""""(?:filename|image|path)"\s*:\s*"((?:[^"\\]|\\.)+)"""", RegexOptions.CultureInvariant)]
    private static partial Regex FileNames();

    // fd=7, vhostfds=7:8, sock_fd=7, "fd": "7", addr.type=fd, mem-path=/proc/self/fd/7, file=/dev/fdset/1.
    [GeneratedRegex("""(?:^|[,\s{"])(?:vhost|sock_?)?fds?"?\s*[=:]\s*"?[0-9]|type"?\s*[=:]\s*"?fd\b|/proc/self/fd/|/dev/fd(?:set)?/[0-9]""", RegexOptions.CultureInvariant)]
    private static partial Regex Descriptors();
}
