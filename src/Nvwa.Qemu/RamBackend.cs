namespace Nvwa.Qemu;

/// <summary>A piece of a machine's memory: an object below /objects whose type begins with memory-backend-.</summary>
/// <param name="Id">Its name there.</param>
/// <param name="Type">QEMU's: "memory-backend-ram", "memory-backend-file", "memory-backend-memfd".</param>
/// <param name="Bytes">Its size.</param>
/// <param name="IsShared">Whether other processes, and a later QEMU, see what is written (share=on).</param>
/// <param name="Path">mem-path of a file; null for others.</param>
public sealed record RamBackend(string Id, string Type, long Bytes, bool IsShared, string? Path)
{
    /// <summary>Whether x-ignore-shared leaves it where it is: QEMU does that for shared memory in named files alone (ram.c).</summary>
    public bool IsSharedFile => IsShared && Path is not null;
}
