using System.Net.Sockets;

namespace Nvwa.Lab;

/// <summary>
/// A disk with a write cache that the power takes along: what a guest has written counts when it is flushed, and not before.
/// QEMU's own files cannot say so, because its writes are in this host's page cache, which outlives a killed QEMU.
/// <code>
/// disk.qcow2    what is safe: all that was flushed by the end of the life before
/// live.qcow2    overlay of it: what the guest sees in this life
/// writes.log    each write and each flush of this life, in the order of their ends (QEMU's blklogwrites)
///
/// OpenAsync                  live.qcow2 and writes.log are made, empty
/// (QEMU lives, and ends in whatever way)
/// SettleAsync                the log is replayed onto disk.qcow2 up to the last flush; the other two are removed
/// </code>
/// An end in order flushes, so nothing of it is lost. The host itself is never asked to flush: its power stays on, and so a
/// guest's flush costs no more than a few writes to memory.
/// </summary>
public sealed class GuestDisk
{
    /// <summary>In <see cref="OpenAsync"/>'s options.</summary>
    public const string NodeName = "disk";

    private static readonly TimeSpan ServeTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly LabImage _image;
    private readonly string _directory;

    private GuestDisk(LabImage image, string directory)
    {
        _image = image;
        _directory = directory;
    }

    public string SafePath => Inside("disk.qcow2");

    private string LivePath => Inside("live.qcow2");

    private string LogPath => Inside("writes.log");

    private string SocketPath => Inside("disk.socket");

    public static async Task<GuestDisk> CreateAsync(
        LabImage image, string directory, string backing, CancellationToken cancellationToken = default)
    {
        var disk = new GuestDisk(image, directory);
        await disk.CreateOverlayAsync(backing, disk.SafePath, cancellationToken);
        return disk;
    }

    /// <summary>Makes the disk ready for one life of a QEMU.</summary>
    /// <returns>What the <c>-blockdev</c> of it is.</returns>
    public async Task<string> OpenAsync(CancellationToken cancellationToken = default)
    {
        await CreateOverlayAsync(SafePath, LivePath, cancellationToken);
        await File.WriteAllBytesAsync(LogPath, [], cancellationToken);
        return $"driver=blklogwrites,node-name={NodeName},"
            + $"file.driver=qcow2,file.file.driver=file,file.file.filename={LivePath},file.file.cache.no-flush=on,"
            + $"log.driver=file,log.filename={LogPath},log.cache.no-flush=on";
    }

    /// <summary>QEMU has ended: forgets what was not flushed. Nothing happens to a disk that is settled.</summary>
    /// <exception cref="LabException">The log cannot be read, or not be replayed.</exception>
    public async Task SettleAsync(CancellationToken cancellationToken = default)
    {
        if (!File.Exists(LivePath))
        {
            return;
        }

        await using (FileStream log = File.OpenRead(LogPath))
        {
            await ReplayAsync(log, WriteLog.ReadFlushed(log), cancellationToken);
        }

        File.Delete(LivePath);
        File.Delete(LogPath);
    }

    /// <summary>Moves what is on the disk to a file for any number of disks to begin with; this one goes on as an overlay of it.</summary>
    public async Task MoveAsync(string target, CancellationToken cancellationToken = default)
    {
        File.Move(SafePath, target);
        await CreateOverlayAsync(target, SafePath, cancellationToken);
    }

    /// <summary>Keeps all of its files, those of a life that is not settled included.</summary>
    public void CopyTo(string directory)
    {
        foreach (string path in new[] { SafePath, LivePath, LogPath }.Where(File.Exists))
        {
            File.Copy(path, Path.Combine(directory, Path.GetFileName(path)), overwrite: true);
        }
    }

    private async Task ReplayAsync(FileStream log, IReadOnlyList<LoggedWrite> writes, CancellationToken cancellationToken)
    {
        if (writes.Count == 0)
        {
            return;
        }

        // Ends when its only client goes, with all of it in the file.
        Task<string> server = HostCommand.RunAsync(
            _image.Program("qemu-nbd"), [$"--socket={SocketPath}", "--format=qcow2", "--cache=unsafe", SafePath], ServeTimeout, cancellationToken);
        using (NbdClient client = await ConnectAsync(server, cancellationToken))
        {
            foreach (LoggedWrite write in writes)
            {
                await client.WriteAsync(write.DiskOffset, log.SafeFileHandle, write.LogOffset, write.Length, cancellationToken);
            }

            await client.EndAsync(cancellationToken);
        }

        _ = await server;
    }

    private async Task<NbdClient> ConnectAsync(Task<string> server, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await NbdClient.ConnectAsync(SocketPath, cancellationToken);
            }
            catch (SocketException) when (!server.IsCompleted)
            {
                await Task.Delay(Poll, TimeProvider.System, cancellationToken);
            }
            catch (SocketException)
            {
                // Its own words say more than "connection refused".
                _ = await server;
                throw;
            }
        }
    }

    private async Task CreateOverlayAsync(string backing, string overlay, CancellationToken cancellationToken) =>
        _ = await HostCommand.RunAsync(
            _image.Program("qemu-img"), ["create", "-q", "-f", "qcow2", "-b", backing, "-F", "qcow2", overlay], cancellationToken);

    private string Inside(string name) => Path.Combine(_directory, name);
}
