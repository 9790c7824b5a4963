using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// Asks a link whether another host has an IPv4 address, before it is ours: ARP probes, RFC 5227 section 2.1.1. For IPv6 the
/// kernel asks by itself (RFC 4862).
/// <code>
///   ethernet  to 6 | from 6 | type 2
///   ARP       hardware 2 | protocol 2 | lengths 6, 4 | operation 2 | sender 6, 4 | target 6, 4
/// </code>
/// </summary>
internal static class AddressProbe
{
    private const int Probes = 3;
    private const int FrameSize = 42;
    private const int ProtocolOffset = 12;
    private const int OperationOffset = 20;
    private const int SenderOffset = 22;
    private const int SenderAddressOffset = 28;
    private const int TargetAddressOffset = 38;
    private const int HardwareSize = 6;
    private const int AddressSize = 4;

    /// <summary>ARP, of Ethernet and IPv4.</summary>
    private static readonly byte[] Protocol = [0x08, 0x06, 0, 1, 0x08, 0, HardwareSize, AddressSize];

    /// <summary>Half of what the RFC grants, which thinks of networks of hosts that start at the same time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <param name="socket">A packet socket of the link.</param>
    /// <param name="own">The link's hardware address.</param>
    /// <param name="address">That nobody on this host has.</param>
    /// <param name="cancellation">Ends the wait, which takes seconds.</param>
    /// <returns>The hardware address of the host that has it, or is about to take it; null if none said so.</returns>
    public static string? FindHolder(SafeFileHandle socket, byte[] own, byte[] address, CancellationToken cancellation)
    {
        using Interruption interruption = new(cancellation);
        for (int sent = 0; sent < Probes; sent++)
        {
            Libc.Send(socket, Probe(own, address), "ARP probe");
            Deadline end = new(Pause);
            while (end.RemainingMilliseconds > 0 && Wait(socket, interruption, end, cancellation))
            {
                if (Receive(socket) is { } frame && Holder(frame, own, address) is { } holder)
                {
                    return holder;
                }
            }
        }

        return null;
    }

    /// <summary>Whoever says that it has the address, or asks for it without having one.</summary>
    internal static string? Holder(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> own, ReadOnlySpan<byte> address)
    {
        if (frame.Length < FrameSize || !frame[ProtocolOffset..OperationOffset].SequenceEqual(Protocol))
        {
            return null;
        }

        ReadOnlySpan<byte> sender = frame.Slice(SenderOffset, HardwareSize);
        ReadOnlySpan<byte> from = frame.Slice(SenderAddressOffset, AddressSize);
        bool claims = from.SequenceEqual(address) || (from.IndexOfAnyExcept((byte)0) < 0 && frame.Slice(TargetAddressOffset, AddressSize).SequenceEqual(address));
        return claims && !sender.SequenceEqual(own) ? string.Join(':', sender.ToArray().Select(each => $"{each:x2}")) : null;
    }

    private static byte[] Probe(byte[] own, byte[] address)
    {
        byte[] frame = new byte[FrameSize];
        frame.AsSpan(0, HardwareSize).Fill(0xff);
        own.CopyTo(frame, HardwareSize);
        Protocol.CopyTo(frame, ProtocolOffset);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(OperationOffset), 1);
        own.CopyTo(frame, SenderOffset);
        address.CopyTo(frame, TargetAddressOffset);
        return frame;
    }

    private static byte[]? Receive(SafeFileHandle socket)
    {
        byte[] frame = new byte[FrameSize];
        int length = Libc.TryReceive(socket, frame, Libc.MSG_DONTWAIT);
        return length == FrameSize ? frame : null;
    }

    private static bool Wait(SafeFileHandle socket, Interruption interruption, Deadline deadline, CancellationToken cancellation)
    {
        Span<Libc.PollEntry> entries = [new((int)socket.DangerousGetHandle()), new((int)interruption.Handle.DangerousGetHandle())];
        bool ready = Libc.Poll(entries, deadline);
        cancellation.ThrowIfCancellationRequested();
        return ready;
    }
}
