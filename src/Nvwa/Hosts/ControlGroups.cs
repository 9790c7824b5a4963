using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Hosts;

/// <summary>
/// The control groups of a unit (cgroups(7), version 2). CRIU leaves what it restores in its own, so that groups which a
/// service made below its unit's are made again around it:
/// <code>
///   Make     the groups, and the restore moves to that of the main process: what it restores is born there
///   Fill     the other processes, before they run
///   Settle   controllers and limits, from the top down; a new kernel may not take one of them
/// </code>
/// </summary>
/// <param name="top">The directory of the unit's own group.</param>
internal sealed class ControlGroups(string top)
{
    private const string Procs = "cgroup.procs";
    private const string SubtreeControl = "cgroup.subtree_control";

    /// <summary>systemd's, for what it runs beside a main process.</summary>
    private const string Control = ".control";

    /// <summary>By its owner: inode(7).</summary>
    private const uint ReadWrite = 0x180;

    /// <summary>They are no settings, though they can be written to: they trigger something, or start a count anew.</summary>
    private static readonly string[] Triggers = [".pressure", ".peak", ".reclaim", ".nice"];

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public IReadOnlyList<FrozenGroup> Read() => [.. All(top).Where(path => path != Path.Combine(top, Control) && HoldsProcesses(path)).Select(Read)];

    public async Task MakeAsync(IReadOnlyList<FrozenGroup> groups, int mainPid, IEnumerable<int> starters)
    {
        string[] made = [.. groups.Select(group => PathOf(group)).Where(path => !Directory.Exists(path))];
        foreach (string path in made)
        {
            Directory.CreateDirectory(path);
        }

        if (made.Length > 0)
        {
            // systemd gives the unit's own to its user.
            SpawnResult owned = await Spawn.RunAsync(new SpawnRequest("/usr/bin/chown", ["--recursive", $"--reference={top}", .. made]), Deadline, CancellationToken.None);
            if (owned.ExitCode != 0)
            {
                throw new StepFailedException($"control groups could not be made: {owned.Error.Trim()}");
            }
        }

        // A group with processes of its own hands on no controllers, so nobody may stay in the unit's.
        if (groups.FirstOrDefault(group => group.Pids.Contains(mainPid)) is { } main)
        {
            Move(main, starters);
        }
    }

    public void Fill(IReadOnlyList<FrozenGroup> groups)
    {
        foreach (FrozenGroup group in groups)
        {
            Move(group, group.Pids);
        }
    }

    /// <returns>What could not be set, each with the reason.</returns>
    public IReadOnlyList<string> Settle(IReadOnlyList<FrozenGroup> groups)
    {
        var failed = new List<string>();
        foreach (FrozenGroup group in groups)
        {
            string directory = PathOf(group);
            foreach ((string file, string content) in group.Settings)
            {
                Set(Path.Combine(directory, file), content);
            }

            foreach (string controller in group.Controllers)
            {
                Try(Path.Combine(directory, SubtreeControl), $"+{controller}");
            }
        }

        return failed;

        void Set(string path, string content)
        {
            if (!File.Exists(path) || File.ReadAllText(path) != content)
            {
                // Some have a line for each device.
                foreach (string line in content.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                {
                    Try(path, line);
                }
            }
        }

        void Try(string path, string line)
        {
            try
            {
                KernelFile.Write(path, line);
            }
            catch (LinuxException refused)
            {
                failed.Add($"{path} could not be set to {line}: {refused.Message}");
            }
        }
    }

    private string PathOf(FrozenGroup group) => Path.Combine(top, group.Path);

    private void Move(FrozenGroup group, IEnumerable<int> pids)
    {
        string procs = Path.Combine(PathOf(group), Procs);
        HashSet<int> there = [.. PidsIn(PathOf(group))];
        foreach (int pid in pids.Where(pid => !there.Contains(pid)))
        {
            KernelFile.Write(procs, $"{pid}");
        }
    }

    private FrozenGroup Read(string directory) => new(
        Path.GetRelativePath(top, directory) is var relative && relative == "." ? "" : relative,
        [.. PidsIn(directory)],
        File.ReadAllText(Path.Combine(directory, SubtreeControl)).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries),
        // The unit's own are systemd's.
        directory == top ? new Dictionary<string, string>() : Settings(directory));

    /// <summary>Groups of threads (cgroup.type) are left out: threads come back in the group of their process.</summary>
    private static bool HoldsProcesses(string directory) => File.ReadAllText(Path.Combine(directory, "cgroup.type")).StartsWith("domain", StringComparison.Ordinal);

    private static IEnumerable<int> PidsIn(string directory) => File.ReadAllLines(Path.Combine(directory, Procs)).Select(int.Parse);

    private static Dictionary<string, string> Settings(string directory) => Directory.EnumerateFiles(directory)
        .Where(path => !Path.GetFileName(path).StartsWith("cgroup.", StringComparison.Ordinal) && !Triggers.Any(trigger => path.EndsWith(trigger, StringComparison.Ordinal)))
        .Where(path => FileIdentity.Of(path) is { } file && (file.Permissions & ReadWrite) == ReadWrite)
        .Order(StringComparer.Ordinal)
        .ToDictionary(path => Path.GetFileName(path), File.ReadAllText, StringComparer.Ordinal);

    private static IEnumerable<string> All(string directory) =>
        Directory.EnumerateDirectories(directory).Order(StringComparer.Ordinal).SelectMany(All).Prepend(directory);
}
