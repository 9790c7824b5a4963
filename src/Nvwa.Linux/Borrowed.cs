using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>
/// The number of a descriptor that cannot be closed, and so cannot be given out again, while it is borrowed.
/// </summary>
internal readonly ref struct Borrowed
{
    private readonly SafeHandle _handle;

    public Borrowed(SafeHandle handle)
    {
        bool added = false;
        handle.DangerousAddRef(ref added);
        _handle = handle;
    }

    public int Descriptor => (int)_handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
