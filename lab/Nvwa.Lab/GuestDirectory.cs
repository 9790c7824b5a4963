using System.Formats.Tar;

namespace Nvwa.Lab;

/// <summary>
/// What one guest has on the host, in the temporary directory; removed with it, or by a later run after a crash.
/// <code>
/// disk.qcow2     overlay of the image's disk, or of a snapshot's; with the files of <see cref="GuestDisk"/> beside it
/// files.tar      what goes into the guest at its first boot, as a read-only disk
/// serial.log     the serial console, of all boots
/// qemu.log       what QEMU said, of all its lives
/// network.pcap   the capture
/// *.socket       QMP, guest agent, serial console (to attach to)
/// </code>
/// </summary>
internal sealed class GuestDirectory : IDisposable
{
    // A unix socket's path has 108 bytes at most.
    private static readonly string Parent = Path.GetTempPath();

    private GuestDirectory(string path) => FullName = path;

    public string FullName { get; }

    public string Files => Inside("files.tar");

    public string SerialLog => Inside("serial.log");

    public string QemuLog => Inside("qemu.log");

    public string Pcap => Inside("network.pcap");

    public string QmpSocket => Inside("qmp.socket");

    public string AgentSocket => Inside("agent.socket");

    public string ConsoleSocket => Inside("console.socket");

    public static GuestDirectory Create()
    {
        RemoveStale();
        string path = Path.Combine(Parent, LabName.Next());
        _ = Directory.CreateDirectory(path);
        return new GuestDirectory(path);
    }

    /// <summary>Makes files.tar, where there are files.</summary>
    public async Task WriteFilesAsync(IReadOnlyList<LabFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return;
        }

        await using FileStream target = File.Create(Files);
        await using var tar = new TarWriter(target);
        foreach (LabFile file in files)
        {
            await using FileStream source = File.OpenRead(file.HostPath);
            var entry = new PaxTarEntry(TarEntryType.RegularFile, file.GuestPath.TrimStart('/'))
            {
                Mode = file.Mode,
                DataStream = source,
            };
            await tar.WriteEntryAsync(entry, cancellationToken);
        }
    }

    public void Dispose() => Directory.Delete(FullName, recursive: true);

    private static void RemoveStale()
    {
        foreach (string path in Directory.EnumerateDirectories(Parent).Where(path => LabName.IsStale(Path.GetFileName(path))))
        {
            try
            {
                Directory.Delete(path, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // Somebody else who begins just now removed it.
            }
        }
    }

    private string Inside(string name) => Path.Combine(FullName, name);
}
