namespace Nvwa.Lab;

/// <summary>Where the repository is, seen from the program that runs out of it.</summary>
internal static class LabPaths
{
    private const string Landmark = "Nvwa.slnx";

    public static string RepositoryRoot { get; } = FindRoot(AppContext.BaseDirectory);

    public static string ImageBuild => Path.Combine(RepositoryRoot, "lab", "image", "build");

    public static string QemuBuild => Path.Combine(RepositoryRoot, "lab", "qemu", "build");

    public static string LinuxBuild => Path.Combine(RepositoryRoot, "lab", "linux", "build");

    public static string Artifacts => Path.Combine(RepositoryRoot, "artifacts");

    public static string Workload(string name) => Path.Combine(RepositoryRoot, "lab", "workloads", name);

    /// <summary>What the fault scenarios ended in.</summary>
    public static string FaultTable => Path.Combine(RepositoryRoot, "artifacts", "lab", "faults.txt");

    /// <summary>What became of each workload.</summary>
    public static string CompatibilityTable => Path.Combine(RepositoryRoot, "artifacts", "lab", "compatibility.tsv");

    public static string Evidence(string name) => Path.Combine(RepositoryRoot, "artifacts", "lab", name);

    // A build with its output elsewhere is run from the repository instead.
    private static string FindRoot(string start) =>
        Above(start) ?? Above(Directory.GetCurrentDirectory())
            ?? throw new LabException($"no {Landmark} above {start} or the working directory");

    private static string? Above(string start)
    {
        for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, Landmark)))
            {
                return directory.FullName;
            }
        }

        return null;
    }
}
