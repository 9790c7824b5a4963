using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.Machines;

namespace Nvwa.State;

/// <summary>
/// Where images and logs of one update are:
/// <code>
///   criu_dir/ID/WORKLOAD/*.img           the images, gone after a successful restore unless debug mode is on
///   criu_dir/ID/WORKLOAD/{dump,restore}.log
///   criu_dir/WORKLOAD -> ID/WORKLOAD     where openEuler's nvwa has its logs
/// </code>
/// All directories are 0700.
/// </summary>
internal sealed class ImageStore(string criuDir, string id)
{
    public const string DumpLog = "dump.log";
    public const string RestoreLog = "restore.log";

    private readonly string _criuDir = criuDir.TrimEnd('/');

    /// <summary>Where the images of an update are that a journal tells of.</summary>
    public static ImageStore Of(UpdateState state) => new(Path.GetDirectoryName(state.Opening.ImagesDirectory)!, state.Id);

    public string Root => Path.Combine(_criuDir, id);

    /// <summary>The name in the file system: the PID, or the service without <c>.service</c>, as openEuler has it; <c>vm:NAME</c>.</summary>
    public static string DirectoryName(Workload workload) =>
        workload.Machine is not null ? $"vm:{workload.Name}"
        : workload.Kind == WorkloadKind.Service ? workload.Name[..^".service".Length]
        : workload.Name;

    public string Of(Workload workload) => Path.Combine(Root, DirectoryName(workload));

    /// <summary>Where the state of a machine is that no update's images are to hold; see <see cref="UnfinishedUpgrade"/>.</summary>
    public string Aside(Workload workload) => UnfinishedUpgrade.DirectoryOf(_criuDir, workload.Name);

    public string Log(Workload workload, string log) => Path.Combine(_criuDir, DirectoryName(workload), log);

    /// <summary>Makes the workload's directory and points the well-known place to it.</summary>
    public string Create(Workload workload)
    {
        PrivateDirectory.Create(_criuDir);
        PrivateDirectory.Create(Root);
        string directory = Of(workload);
        PrivateDirectory.Create(directory);
        string link = Path.Combine(_criuDir, DirectoryName(workload));
        RemoveLink(link);
        File.CreateSymbolicLink(link, Path.Combine(id, DirectoryName(workload)));
        return directory;
    }

    /// <summary>What earlier updates left: logs, and images that debug mode kept.</summary>
    public void RemoveEarlier()
    {
        foreach (string directory in Directory.Exists(_criuDir) ? Directory.GetDirectories(_criuDir) : [])
        {
            if (UpdateId.IsValid(Path.GetFileName(directory)) && directory != Root)
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    public long Size(Workload workload) => new DirectoryInfo(Of(workload)).EnumerateFiles().Sum(file => file.Length);

    /// <summary>The images go, the logs stay.</summary>
    public void RemoveImages(Workload workload)
    {
        if (!Directory.Exists(Of(workload)))
        {
            return;
        }

        foreach (string file in Directory.EnumerateFiles(Of(workload)).Where(file => !file.EndsWith(".log", StringComparison.Ordinal)))
        {
            File.Delete(file);
        }
    }

    /// <summary>Removes everything of every update below the directory; names what went.</summary>
    public static IReadOnlyList<string> Clear(string criuDir)
    {
        var removed = new List<string>();
        foreach (string entry in Directory.Exists(criuDir) ? Directory.GetFileSystemEntries(criuDir) : [])
        {
            if (new FileInfo(entry).LinkTarget is { } target)
            {
                // Only ours: somebody else's directory may have been configured.
                if (UpdateId.IsValid(target.Split('/')[0]))
                {
                    File.Delete(entry);
                }
            }
            else if (UpdateId.IsValid(Path.GetFileName(entry)) && Directory.Exists(entry))
            {
                Directory.Delete(entry, recursive: true);
                removed.Add(entry);
            }
        }

        return removed;
    }

    private static void RemoveLink(string link)
    {
        if (new FileInfo(link).LinkTarget is not null)
        {
            File.Delete(link);
        }
        else if (Directory.Exists(link))
        {
            // A directory of openEuler's nvwa, or of somebody else: not ours to delete.
            throw new LinuxException("symlink", link, Errno.EEXIST, "a directory is in the way; move it aside");
        }
    }
}
