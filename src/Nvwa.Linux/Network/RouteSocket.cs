using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// Requests to rtnetlink(7), one at a time, each answered before the next. The socket belongs to the network namespace that
/// the thread was in which made it, whichever thread uses it later.
/// <code>
///   nlmsghdr  length 4 | type 2 | flags 2 | sequence 4 | port 4
/// </code>
/// </summary>
internal sealed class RouteSocket : IDisposable
{
    private const int HeaderSize = 16;

    /// <summary>The kernel makes no message of a dump longer than 32 KiB.</summary>
    private const int BufferSize = 64 * 1024;

    private readonly SafeFileHandle _socket;
    private readonly byte[] _buffer = new byte[BufferSize];
    private uint _sequence;

    public RouteSocket()
    {
        _socket = Libc.RouteSocket(groups: 0);
        Libc.WantExtendedAcknowledgements(_socket);
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Tells the kernel, and waits for its word.</summary>
    /// <param name="type">RTM_...</param>
    /// <param name="flags">NLM_F_... besides those of each request.</param>
    /// <param name="body">What it is about.</param>
    /// <param name="operation">For the message of the exception.</param>
    /// <param name="subject">The same.</param>
    /// <exception cref="LinuxException">The kernel refused; its words are in there, if it had any.</exception>
    public void Request(ushort type, ushort flags, RouteMessage body, string operation, string subject)
    {
        Send(type, (ushort)(Rtnetlink.NLM_F_ACK | flags), body.Encode(), operation);
        bool acknowledged = false;
        while (!acknowledged)
        {
            ForEach(operation, (kind, messageFlags, content) =>
            {
                if (kind == Rtnetlink.NLMSG_ERROR)
                {
                    acknowledged = true;
                    ThrowIfRefused(content, messageFlags, operation, subject);
                }
            });
        }
    }

    /// <summary>All that there is of a kind; once more if it changed while the kernel counted.</summary>
    public List<RouteMessage> Dump(ushort type, RouteMessage question, int headerSize, string operation)
    {
        while (true)
        {
            List<RouteMessage> messages = [];
            bool changed = false;
            bool done = false;
            Send(type, Rtnetlink.NLM_F_DUMP, question.Encode(), operation);
            while (!done)
            {
                ForEach(operation, (kind, flags, content) =>
                {
                    changed |= (flags & Rtnetlink.NLM_F_DUMP_INTR) != 0;
                    switch (kind)
                    {
                        case Rtnetlink.NLMSG_DONE:
                            done = true;
                            break;
                        case Rtnetlink.NLMSG_ERROR:
                            done = true;
                            ThrowIfRefused(content, flags, operation, subject: null);
                            break;
                        default:
                            messages.Add(RouteMessage.Parse(content, headerSize));
                            break;
                    }
                });
            }

            if (!changed)
            {
                return messages;
            }
        }
    }

    private void Send(ushort type, ushort flags, byte[] body, string operation)
    {
        byte[] request = new byte[HeaderSize + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), (ushort)(Rtnetlink.NLM_F_REQUEST | flags));
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(8), ++_sequence);
        body.CopyTo(request, HeaderSize);
        Libc.Send(_socket, request, operation);
    }

    /// <summary>One receive: the messages in it that answer the last request.</summary>
    private void ForEach(string operation, Action<ushort, ushort, byte[]> handle)
    {
        int length = Libc.TryReceive(_socket, _buffer, flags: 0);
        if (length <= 0)
        {
            if (length == -Errno.EINTR)
            {
                return;
            }

            throw new LinuxException("recv", operation, length == 0 ? Errno.EPROTO : -length);
        }

        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, length);
        while (rest.Length >= HeaderSize)
        {
            int size = BinaryPrimitives.ReadInt32LittleEndian(rest);
            if (size < HeaderSize || size > rest.Length)
            {
                throw new LinuxException("recv", operation, Errno.EBADMSG);
            }

            if (BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) == _sequence)
            {
                ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
                ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]);
                handle(kind, flags, rest[HeaderSize..size].ToArray());
            }

            rest = rest[Math.Min((size + 3) & ~3, rest.Length)..];
        }
    }

    /// <summary>
    /// struct nlmsgerr: errno, the request's header (without its body where the kernel was told to cap it), attributes.
    /// </summary>
    private static void ThrowIfRefused(byte[] content, ushort flags, string operation, string? subject)
    {
        int errno = content.Length >= sizeof(int) ? -BinaryPrimitives.ReadInt32LittleEndian(content) : Errno.EBADMSG;
        if (errno != 0)
        {
            throw new LinuxException(operation, subject, errno, Words(content, flags));
        }
    }

    private static string? Words(byte[] content, ushort flags)
    {
        const int Capped = sizeof(int) + HeaderSize;
        if ((flags & Rtnetlink.NLM_F_ACK_TLVS) == 0 || (flags & Rtnetlink.NLM_F_CAPPED) == 0 || content.Length <= Capped)
        {
            return null;
        }

        RouteAttribute words = RouteAttribute.Parse(content.AsSpan(Capped)).Find(each => each.Number == Rtnetlink.NLMSGERR_ATTR_MSG);
        return words.Value is { } bytes ? Encoding.UTF8.GetString(bytes).TrimEnd('\0') : null;
    }
}
