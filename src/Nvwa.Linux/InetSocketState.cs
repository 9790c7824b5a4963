namespace Nvwa.Linux;

/// <summary>
/// The kernel's own numbers (net/tcp_states.h). UDP uses two: established is connected, close is not.
/// </summary>
public enum InetSocketState
{
    None = 0,
    Established = 1,
    SynSent = 2,
    SynReceived = 3,
    FinWait1 = 4,
    FinWait2 = 5,
    TimeWait = 6,
    Close = 7,
    CloseWait = 8,
    LastAck = 9,
    Listen = 10,
    Closing = 11,
    NewSynReceived = 12,
}
