using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Nvwa.Lab.Native;

namespace Nvwa.Lab;

/// <summary>
/// One thread that lives in a network namespace: sockets made on it belong there for ever, wherever they are used, and
/// children started on it run there. It also is the parent that children with a parent-death signal are bound to: threads of
/// the pool come and go, and would take them along.
/// </summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    private NamespaceThread(SafeFileHandle network, string name, TaskCompletionSource entered)
    {
        _thread = new Thread(() => Live(network, name, entered)) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <param name="name">As <c>ip netns</c> knows it.</param>
    public static async Task<NamespaceThread> EnterAsync(string name)
    {
        using SafeFileHandle network = File.OpenHandle($"/run/netns/{name}");
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new NamespaceThread(network, name, entered);
        try
        {
            await entered.Task;
            return thread;
        }
        catch
        {
            thread.Dispose();
            throw;
        }
    }

    public Task<T> RunAsync<T>(Func<T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(action());
            }
#pragma warning disable CA1031 // It is the caller's, and is thrown there.
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Live(SafeFileHandle network, string name, TaskCompletionSource entered)
    {
        try
        {
            Libc.EnterNetwork(network, name);
            entered.SetResult();
        }
        catch (LabException e)
        {
            entered.SetException(e);
            return;
        }

        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
