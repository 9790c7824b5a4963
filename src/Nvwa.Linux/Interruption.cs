using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>A cancellation token as a descriptor that poll(2) can wait for.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly SafeFileHandle _event = Libc.EventDescriptor();
    private readonly CancellationTokenRegistration _registration;

    public Interruption(CancellationToken cancellationToken) =>
        _registration = cancellationToken.Register(
            () => Libc.WriteAll(_event, BitConverter.GetBytes(1UL), "eventfd"));

    public SafeFileHandle Handle => _event;

    /// <summary>The registration goes first: it waits for a callback that is running.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _event.Dispose();
    }
}
