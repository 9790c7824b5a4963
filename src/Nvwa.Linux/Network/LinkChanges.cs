using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// The kernel's notifications that a link came, went, was renamed or got a carrier, in the network namespace of the thread that
/// made this. Made before the first look, so that nothing falls between.
/// </summary>
internal sealed class LinkChanges(CancellationToken cancellation) : IDisposable
{
    private readonly SafeFileHandle _socket = Libc.RouteSocket(Libc.RTMGRP_LINK);
    private readonly Interruption _interruption = new(cancellation);

    /// <summary>True after a change since the last call; false if the deadline passed before.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait(Deadline deadline)
    {
        Span<Libc.PollEntry> entries =
        [
            new((int)_socket.DangerousGetHandle()), new((int)_interruption.Handle.DangerousGetHandle()),
        ];
        if (!Libc.Poll(entries, deadline))
        {
            return false;
        }

        cancellation.ThrowIfCancellationRequested();
        LocalAddresses.Discard(_socket);
        return true;
    }

    public void Dispose()
    {
        _interruption.Dispose();
        _socket.Dispose();
    }
}
