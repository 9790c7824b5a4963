using System.Text.Json.Serialization;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// Threads that the kernel treats alike, in what no CRIU saves: a restored thread has what CRIU was started with, which is what
/// its unit says.
/// </summary>
/// <param name="Processors">Those that they may run on, as <c>0-3,8</c>; null for all of the host's.</param>
/// <param name="IoPriority">Class and level, ioprio_get(2); 0 where they have none of their own.</param>
/// <param name="TimerSlack">In nanoseconds; 0 for realtime threads.</param>
/// <param name="Threads">Their numbers.</param>
internal sealed record FrozenThreads(string? Processors, long IoPriority, long TimerSlack, IReadOnlyList<int> Threads)
{
    private const string FileName = "threads.json";

    /// <param name="threads">Of a workload.</param>
    /// <param name="init">Whose processors are all of the host's.</param>
    public static IReadOnlyList<FrozenThreads> Of(IEnumerable<int> threads, int init)
    {
        string? all = ThreadAttributes.Of(init)?.Processors;
        return
        [
            .. threads.Select(thread => (thread, Attributes: ThreadAttributes.Of(thread)))
                .Where(each => each.Attributes is not null)
                .GroupBy(each => each.Attributes!, each => each.thread)
                .Select(alike => new FrozenThreads(alike.Key.Processors == all ? null : alike.Key.Processors, alike.Key.IoPriority, alike.Key.TimerSlack, [.. alike])),
        ];
    }

    /// <summary>Of threads that CRIU has made and not let go yet.</summary>
    /// <param name="made">What they have from CRIU.</param>
    /// <param name="init">Whose processors are all of the host's.</param>
    /// <param name="warn">Told of what this kernel does not take: no reason to lose the workload.</param>
    public void Restore(ThreadAttributes made, int init, Action<string> warn)
    {
        string? processors = Processors ?? ThreadAttributes.Of(init)?.Processors;
        foreach (int thread in Threads)
        {
            try
            {
                if (processors is not null && processors != made.Processors)
                {
                    ThreadAttributes.SetProcessors(thread, processors);
                }

                // Without one of its own a thread has that of its nice value, which it has back.
                if (IoPriority != ThreadAttributes.IoPriorityOf(thread))
                {
                    ThreadAttributes.SetIoPriority(thread, IoPriority);
                }

                if (TimerSlack != 0 && TimerSlack != made.TimerSlack)
                {
                    ThreadAttributes.SetTimerSlack(thread, TimerSlack);
                }
            }
            catch (LinuxException refused)
            {
                warn($"thread {thread}: {refused.Message}, going on without");
            }
        }
    }

    public static void Write(string directory, IReadOnlyList<FrozenThreads> threads) =>
        ImageNote.Write(Path.Combine(directory, FileName), threads, FrozenThreadsJson.Default.IReadOnlyListFrozenThreads);

    /// <summary>Of images that were verified.</summary>
    public static IReadOnlyList<FrozenThreads> Read(string directory) =>
        ImageNote.Read(Path.Combine(directory, FileName), FrozenThreadsJson.Default.IReadOnlyListFrozenThreads) ?? [];
}

[JsonSerializable(typeof(IReadOnlyList<FrozenThreads>))]
internal sealed partial class FrozenThreadsJson : JsonSerializerContext;
