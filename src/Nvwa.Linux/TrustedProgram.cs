namespace Nvwa.Linux;

/// <summary>Programs that root may run: nobody else can have written them.</summary>
public static class TrustedProgram
{
    private const uint Sticky = 0x200;

    /// <summary>Who else could change what is there; null if nobody.</summary>
    /// <param name="program">An absolute path; links are followed.</param>
    public static string? Problem(string program)
    {
        if (FileIdentity.Of(program) is not { } file)
        {
            return null;
        }

        string? path = File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program;
        if (IsOthers(file))
        {
            return $"{path} belongs to user {file.Uid}, or others may write it";
        }

        while ((path = Path.GetDirectoryName(path)) is not null)
        {
            // In a directory with the sticky bit others make files, and leave ours alone.
            if (FileIdentity.Of(path) is { } directory && (directory.Permissions & Sticky) == 0 && IsOthers(directory))
            {
                return $"{path} belongs to user {directory.Uid}, or others may write there";
            }
        }

        return null;
    }

    private static bool IsOthers(FileIdentity file) => file.Uid != 0 || file.IsWritableByOthers;
}
