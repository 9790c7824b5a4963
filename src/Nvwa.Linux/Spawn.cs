using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// The one place that starts programs, and so the one that decides what they inherit: no descriptor but those named, no
/// blocked or ignored signal (.NET ignores SIGPIPE, and an ignored signal would survive exec). The runtime's own class
/// is not used at all, so its reaping of children does not come between.
/// </summary>
public static class Spawn
{
    private const string NullDevice = "/dev/null";
    private const int StandardDescriptors = 3;

    /// <summary>Starts the program. It runs on the network and mount namespaces of the calling thread.</summary>
    /// <exception cref="LinuxException">posix_spawn(3) refused, among others ENOENT and EACCES for the program.</exception>
    public static ChildProcess Start(SpawnRequest request)
    {
        int limit = Limit(request);
        using Libc.SpawnActions actions = new();
        using Libc.SpawnAttributes attributes = new(request.Family);
        List<SafeFileHandle> copies = [];
        try
        {
            if (request.WorkingDirectory is not null)
            {
                actions.ChangeDirectory(request.WorkingDirectory);
            }

            AddDescriptors(request, limit, actions, copies);
            string[]? environment = request.Environment?.Select(pair => $"{pair.Key}={pair.Value}").ToArray();
            return new ChildProcess(
                Libc.SpawnProgram(request.File, [.. request.Arguments], environment, actions, attributes));
        }
        finally
        {
            copies.ForEach(copy => copy.Dispose());
        }
    }

    /// <summary>
    /// Runs the program to its end and keeps what it says. A code other than zero is a result, not an exception. When
    /// the deadline passes, or the token is cancelled, the child and its process group are killed.
    /// </summary>
    /// <exception cref="LinuxException">ETIMEDOUT after the deadline; otherwise as <see cref="Start"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<SpawnResult> RunAsync(
        SpawnRequest request, TimeSpan deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using CapturedChild child = new(request, deadline);
        return await child.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The first descriptor above all that the child gets.</summary>
    private static int Limit(SpawnRequest request)
    {
        int highest = StandardDescriptors - 1;
        HashSet<int> taken = request.Input is null ? [] : [0];
        foreach (InheritedDescriptor inherited in request.Inherit)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(inherited.ChildDescriptor, nameof(request));
            if (!taken.Add(inherited.ChildDescriptor))
            {
                throw new ArgumentException($"Descriptor {inherited.ChildDescriptor} is given twice.", nameof(request));
            }

            highest = Math.Max(highest, inherited.ChildDescriptor);
        }

        return highest + 1;
    }

    /// <summary>
    /// Every source is first copied above all targets. So no target overwrites a source that is still needed, and none
    /// is its own target, where dup2 would leave it with CLOEXEC.
    /// </summary>
    private static void AddDescriptors(
        SpawnRequest request, int limit, Libc.SpawnActions actions, List<SafeFileHandle> copies)
    {
        HashSet<int> given = [];
        foreach (InheritedDescriptor inherited in request.Inherit)
        {
            SafeFileHandle copy = Libc.Duplicate(inherited.Handle, limit);
            copies.Add(copy);
            actions.Duplicate((int)copy.DangerousGetHandle(), inherited.ChildDescriptor);
            given.Add(inherited.ChildDescriptor);
        }

        if (request.Input is { } input)
        {
            using SafeFileHandle file = Libc.MemoryFile("input", input.Span);
            SafeFileHandle copy = Libc.Duplicate(file, limit);
            copies.Add(copy);
            actions.Duplicate((int)copy.DangerousGetHandle(), 0);
            given.Add(0);
        }

        for (int descriptor = 0; descriptor < limit; descriptor++)
        {
            if (!given.Contains(descriptor))
            {
                FillGap(actions, descriptor);
            }
        }

        actions.CloseFrom(limit);
    }

    private static void FillGap(Libc.SpawnActions actions, int descriptor)
    {
        if (descriptor < StandardDescriptors)
        {
            actions.Open(descriptor, NullDevice, Libc.O_RDWR);
        }
        else
        {
            actions.Close(descriptor);
        }
    }
}
