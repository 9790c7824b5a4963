namespace Nvwa.Linux;

/// <summary>Programs that root may run: nobody else can have written them, or put another one there between a look and the start.</summary>
public static class TrustedProgram
{
    private const uint Sticky = 0x200;

    // As the kernel has it: path_resolution(7).
    private const int MaxLinks = 40;

    /// <summary>Who else could change what is there; null if nobody.</summary>
    /// <param name="program">An absolute path; each link and each directory on the way counts.</param>
    public static string? Problem(string program)
    {
        ArgumentNullException.ThrowIfNull(program);
        var names = new Stack<string>();
        Push(names, program);
        string reached = "/";
        int links = 0;
        while (names.TryPop(out string? name))
        {
            if (name == "..")
            {
                // No link is left in what was reached.
                reached = Path.GetDirectoryName(reached) ?? reached;
                continue;
            }

            string path = Path.Combine(reached, name);
            if (FileIdentity.OfLink(path) is not { } file)
            {
                return FileIdentity.Of(reached) is { IsWritableByOthers: true } ? $"{path} is not there, and others may write there" : null;
            }

            if (IsOthers(file))
            {
                return $"{path} belongs to user {file.Uid}, or others may write {(file.Type == FileType.Directory ? "there" : "it")}";
            }

            if (file.Type != FileType.Link)
            {
                reached = path;
                continue;
            }

            if (++links > MaxLinks)
            {
                return null;
            }

            string target = new FileInfo(path).LinkTarget ?? "";
            reached = target.StartsWith('/') ? "/" : reached;
            Push(names, target);
        }

        return null;
    }

    private static bool IsOthers(FileIdentity file) => file.Uid != 0 || (file.IsWritableByOthers && file.Type switch
    {
        // A link's own mode says nothing.
        FileType.Link => false,
        // With the sticky bit others make files, and leave ours alone.
        FileType.Directory => (file.Permissions & Sticky) == 0,
        _ => true,
    });

    private static void Push(Stack<string> names, string path)
    {
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(name => name != ".").Reverse())
        {
            names.Push(name);
        }
    }
}
