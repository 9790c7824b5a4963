using System.Net;

namespace Nvwa.Linux;

/// <summary>What a <see cref="PacketLock"/> keeps the packets of.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Local">The address (any, or one) and port on this host. A v4-mapped address stands for the IPv4 one, and
/// <c>::</c> for both families, as a socket that listens there serves both unless told otherwise.</param>
/// <param name="Remote">The other end of a connection; null for a listener or an unconnected socket, whose every packet
/// is meant, to and from any address.</param>
public sealed record LockedEndpoint(InetProtocol Protocol, IPEndPoint Local, IPEndPoint? Remote);
