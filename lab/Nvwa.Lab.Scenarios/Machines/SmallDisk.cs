using Nvwa.Lab.Machines;
using Nvwa.Linux;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>
/// A file system in memory that is soon full. It is mounted for one process that sleeps, and is gone with it, also where the
/// test is killed; others reach it through that process.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private static readonly TimeSpan MountTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly ChildProcess _owner;

    private SmallDisk(ChildProcess owner, string path)
    {
        _owner = owner;
        FullName = path;
    }

    public string FullName { get; }

    /// <param name="machine">In whose directory it is mounted.</param>
    /// <param name="size">As mount(8) says it: 16m.</param>
    public static async Task<SmallDisk> MountAsync(CountingMachine machine, string size)
    {
        string path = Path.Combine(machine.Directory, "small");
        _ = Directory.CreateDirectory(path);
        string script = $"mount -t tmpfs -o size={size} none {path} && mkdir {path}/is-mounted && exec sleep 300";
        ChildProcess owner = Spawn.Start(new SpawnRequest("unshare", ["--mount", "sh", "-c", script]));
        var disk = new SmallDisk(owner, $"/proc/{owner.Pid}/root{path}");
        long began = TimeProvider.System.GetTimestamp();
        while (!Directory.Exists(Path.Combine(disk.FullName, "is-mounted")))
        {
            if (TimeProvider.System.GetElapsedTime(began) > MountTimeout)
            {
                await disk.DisposeAsync();
                throw new LabException($"{path}: no file system of {size} within {MountTimeout.TotalSeconds} s");
            }

            await Task.Delay(Poll, TimeProvider.System);
        }

        return disk;
    }

    public async ValueTask DisposeAsync()
    {
        _ = _owner.Kill();
        _ = await _owner.WaitAsync(CancellationToken.None);
        _owner.Dispose();
    }
}
