namespace Nvwa.Linux;

/// <summary>The kernel's own numbers: see socket(2).</summary>
public enum UnixSocketType
{
    None = 0,
    Stream = 1,
    Datagram = 2,
    SeqPacket = 5,
}
