namespace Nvwa.Linux;

/// <summary>Programs that root may run: nobody else can have written them.</summary>
public static class TrustedProgram
{
    private const uint Sticky = 0x200;

    /// <summary>Who else could change what is there; null if nobody.</summary>
    /// <param name="program">An absolute path; links are followed, and whoever could exchange one counts, too.</param>
    public static string? Problem(string program)
    {
        string? path = FileIdentity.Of(program) is null ? null : program;
        while (path is not null && FileIdentity.OfLink(path) is { } file)
        {
            if (IsOthers(file))
            {
                return $"{path} belongs to user {file.Uid}, or others may write it";
            }

            for (string? parent = Path.GetDirectoryName(path); parent is not null; parent = Path.GetDirectoryName(parent))
            {
                // In a directory with the sticky bit others make files, and leave ours alone.
                if (FileIdentity.Of(parent) is { } directory && (directory.Permissions & Sticky) == 0 && IsOthers(directory))
                {
                    return $"{parent} belongs to user {directory.Uid}, or others may write there";
                }
            }

            path = File.ResolveLinkTarget(path, returnFinalTarget: false)?.FullName;
        }

        return null;
    }

    // A link's own mode says nothing.
    private static bool IsOthers(FileIdentity file) => file.Uid != 0 || (file.IsWritableByOthers && file.Type != FileType.Link);
}
