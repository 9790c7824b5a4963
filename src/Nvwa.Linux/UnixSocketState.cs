namespace Nvwa.Linux;

/// <summary>The kernel's own numbers (linux/net.h), and TCP's number for those that accept connections.</summary>
public enum UnixSocketState
{
    Free = 0,
    Unconnected = 1,
    Connecting = 2,
    Connected = 3,
    Disconnecting = 4,
    Listen = 10,
}
