using System.Globalization;

namespace Nvwa.Linux;

/// <summary>A descriptor of a process with all that can be known of it from outside, without touching the process.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Descriptor">The descriptor; its number is -1 for the working directory, -2 for the root directory.</param>
/// <param name="Identity">What it leads to.</param>
/// <param name="Protocol">Of a socket, by the kernel's own name: <c>TCP</c>, <c>UNIX-STREAM</c>, <c>MPTCP</c>; else null.</param>
/// <param name="Subject">Of a pidfd: its process, -1 if that is gone; else null.</param>
public sealed record OpenFile(int Pid, Descriptor Descriptor, FileIdentity Identity, string? Protocol, int? Subject)
{
    public const int WorkingDirectory = -1;
    public const int RootDirectory = -2;

    private const int AccessMode = 3;
    private const int WriteOnly = 1;

    /// <summary>MQUEUE_MAGIC of ipc/mqueue.c.</summary>
    private const long MessageQueueMagic = 0x1980_0202;
    private const string DeletedMark = " (deleted)";

    /// <summary>For people: <c>descriptor 7</c>.</summary>
    public string Where => Descriptor.Fd switch
    {
        WorkingDirectory => "working directory",
        RootDirectory => "root directory",
        _ => $"descriptor {Descriptor.Fd}",
    };

    /// <summary>The path without the kernel's mark; a name that ends so by itself loses it too.</summary>
    public string Path => Descriptor.Target.EndsWith(DeletedMark, StringComparison.Ordinal)
        ? Descriptor.Target[..^DeletedMark.Length]
        : Descriptor.Target;

    public bool CanRead => (Descriptor.Flags & AccessMode) != WriteOnly;

    public bool CanWrite => (Descriptor.Flags & AccessMode) != 0;

    /// <summary>O_DIRECT: of a pipe, that it keeps apart what was written apart.</summary>
    public bool IsDirect => (Descriptor.Flags & Libc.O_DIRECT) != 0;

    /// <summary>What mq_open(3) gives, on a mount that is nobody's.</summary>
    public bool IsMessageQueue =>
        Identity.Type == FileType.Regular && Libc.FileSystemMagic($"/proc/{Pid}/fd/{Descriptor.Fd}") == MessageQueueMagic;

    /// <summary>All descriptors, the working and the root directory; empty if the process is gone.</summary>
    public static IReadOnlyList<OpenFile> Of(int pid)
    {
        List<OpenFile> files = [.. ProcFs.Descriptors(pid).Select(descriptor => Of(pid, descriptor)).OfType<OpenFile>()];
        AddDirectory("cwd", WorkingDirectory);
        AddDirectory("root", RootDirectory);
        return files;

        void AddDirectory(string link, int number)
        {
            string path = $"/proc/{pid}/{link}";
            if (Libc.ReadLink(path) is { } target && Libc.TryIdentify(path) is { } identity)
            {
                files.Add(new OpenFile(pid, new Descriptor(number, target, 0, 0, 0), identity, null, null));
            }
        }
    }

    /// <summary>A field of its fdinfo, which differ with the kind: <c>clockid</c>; null if there is none.</summary>
    public string? Detail(string field) => Detail(Pid, Descriptor, field);

    private static string? Detail(int pid, Descriptor descriptor, string field) =>
        Proc.TryReadLines($"/proc/{pid}/fdinfo/{descriptor.Fd}").FirstOrDefault(line => line.StartsWith($"{field}:", StringComparison.Ordinal))?[(field.Length + 1)..].Trim();

    private static OpenFile? Of(int pid, Descriptor descriptor)
    {
        string link = $"/proc/{pid}/fd/{descriptor.Fd}";
        return Libc.TryIdentify(link) is { } identity
            ? new OpenFile(
                pid,
                descriptor,
                identity,
                identity.Type == FileType.Socket ? Libc.TryAttribute(link, "system.sockprotoname") : null,
                SubjectOf(pid, descriptor))
            : null;
    }

    private static int? SubjectOf(int pid, Descriptor descriptor) =>
        descriptor.Target == "anon_inode:[pidfd]" && Detail(pid, descriptor, "Pid") is { } subject
            ? int.Parse(subject, CultureInfo.InvariantCulture)
            : null;
}
