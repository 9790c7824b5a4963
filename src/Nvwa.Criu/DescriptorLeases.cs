using System.Runtime.InteropServices;

namespace Nvwa.Criu;

/// <summary>Keeps descriptors open while their numbers are on the wire.</summary>
internal sealed class DescriptorLeases : IDisposable
{
    private readonly List<SafeHandle> _held = [];

    public int Number(SafeHandle handle)
    {
        bool held = false;
        handle.DangerousAddRef(ref held);
        if (held)
        {
            _held.Add(handle);
        }

        return (int)handle.DangerousGetHandle();
    }

    public void Dispose()
    {
        foreach (SafeHandle handle in _held)
        {
            handle.DangerousRelease();
        }

        _held.Clear();
    }
}
