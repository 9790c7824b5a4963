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
        descriptor.Target == "anon_inode:[pidfd]"
        && Proc.TryReadLines($"/proc/{pid}/fdinfo/{descriptor.Fd}").FirstOrDefault(line => line.StartsWith("Pid:", StringComparison.Ordinal)) is { } line
            ? int.Parse(line.AsSpan("Pid:".Length), CultureInfo.InvariantCulture)
            : null;
}
