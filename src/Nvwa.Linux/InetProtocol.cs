namespace Nvwa.Linux;

public enum InetProtocol
{
    Tcp,
    Udp,
}
