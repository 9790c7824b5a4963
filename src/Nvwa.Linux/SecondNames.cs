namespace Nvwa.Linux;

/// <summary>
/// Of files whose names somebody else is about to take, as a program does that listens at a local socket's path: link(2).
/// </summary>
public sealed class SecondNames : IDisposable
{
    private const string Suffix = ".nvwa";

    private readonly List<string> _paths = [];

    /// <summary>Whatever still has such a name is an earlier one's.</summary>
    /// <param name="paths">In full.</param>
    public static SecondNames Give(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var given = new SecondNames();
        try
        {
            foreach (string path in paths)
            {
                Libc.Unlink(path + Suffix);
                Libc.Link(path, path + Suffix);
                given._paths.Add(path);
            }

            return given;
        }
        catch
        {
            given.Dispose();
            throw;
        }
    }

    /// <summary>The files have their names again, whoever took them.</summary>
    public void PutBack()
    {
        foreach (string path in _paths)
        {
            // Nothing happens where nobody took it: both are names of one file.
            Libc.Rename(path + Suffix, path);
        }
    }

    public void Dispose() => _paths.ForEach(path => Libc.Unlink(path + Suffix));
}
