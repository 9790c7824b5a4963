namespace Nvwa.Linux;

/// <summary>What was done, and how each step of it is taken back: the last one first.</summary>
internal sealed class NetworkUndo
{
    private readonly Stack<(string What, Action Step)> _steps = new();

    /// <summary>Steps that were taken.</summary>
    public int Count => _steps.Count;

    /// <param name="what">For messages to people.</param>
    /// <param name="step">Brings back what was there before.</param>
    public void Add(string what, Action step) => _steps.Push((what, step));

    /// <returns>What could not be taken back, with the reason.</returns>
    public IReadOnlyList<string> TakeBack()
    {
        List<string> left = [];
        while (_steps.TryPop(out (string What, Action Step) last))
        {
            try
            {
                last.Step();
            }
            catch (LinuxException refused) when (IsGone(refused.Errno))
            {
                // It went with something that was taken back before.
            }
            catch (Exception refused) when (refused is LinuxException or InvalidDataException or IOException)
            {
                left.Add($"{last.What}: {refused.Message}");
            }
        }

        return left;
    }

    private static bool IsGone(int errno) => errno is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV or Errno.EADDRNOTAVAIL;
}
