using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// A socket that systemd has too, and gave to the service when it started it (systemd.socket(5)). On the new kernel its unit
/// makes it anew, before the service starts: the restored service gets that one in its place.
/// </summary>
/// <param name="Inode">On the old kernel, CRIU's name for it.</param>
/// <param name="Kind">With the address, what it is known by on the new one.</param>
/// <param name="Address">What it is bound to: a sockaddr (getsockname(2)), in hexadecimal digits.</param>
/// <param name="Flags">Of the open file, which systemd and the service share: O_NONBLOCK is the service's wish.</param>
internal sealed record ActivatedSocket(long Inode, SocketKind Kind, string Address, int Flags)
{
    private const string FileName = "activated.json";

    /// <summary>Those of some processes; what several of them share is named once.</summary>
    /// <param name="pids">The processes.</param>
    /// <param name="init">systemd; another process only in tests.</param>
    public static IReadOnlyList<ActivatedSocket> Of(IEnumerable<int> pids, int init)
    {
        HashSet<long> theirs = [.. pids.SelectMany(pid => ProcFs.Descriptors(pid)).Select(descriptor => descriptor.SocketInode).OfType<long>()];
        using SafeFileHandle? systemd = Pidfd.Open(init);
        List<ActivatedSocket> all = theirs.Count == 0 ? [] : [.. Sockets(init).Select(descriptor => Read(systemd, descriptor)).OfType<ActivatedSocket>()];
        List<ActivatedSocket> others = all.FindAll(socket => !theirs.Contains(socket.Inode));
        return
        [
            .. all.Except(others).Select(socket => socket with { IsOneOfSeveral = others.Exists(other => other.Kind == socket.Kind && other.Address == socket.Address) }),
        ];
    }

    /// <summary>What systemd has in their place, in their order, with their flags.</summary>
    /// <param name="sockets">Of the old kernel.</param>
    /// <param name="init">systemd; another process only in tests.</param>
    /// <exception cref="InvalidDataException">It has none for one of them.</exception>
    public static IReadOnlyList<SafeFileHandle> Open(IReadOnlyList<ActivatedSocket> sockets, int init)
    {
        using SafeFileHandle? systemd = Pidfd.Open(init);
        List<Descriptor> there = sockets.Count == 0 ? [] : [.. Sockets(init)];
        var opened = new List<SafeFileHandle>();
        foreach (ActivatedSocket socket in sockets)
        {
            if (there.Find(descriptor => Read(systemd, descriptor) is { } other && other.Kind == socket.Kind && other.Address == socket.Address) is not { } descriptor
                || Pidfd.Descriptor(systemd!, descriptor.Fd) is not { } duplicate)
            {
                opened.ForEach(each => each.Dispose());
                throw new InvalidDataException($"none of systemd's sockets is bound to {socket.Words}, as one of its own was: its .socket unit is not active");
            }

            there.Remove(descriptor);
            Reopen.SetFlags(duplicate, socket.Flags);
            opened.Add(duplicate);
        }

        return opened;
    }

    /// <summary>It can be made anew: it is of a family that CRIU knows, and waits for anybody.</summary>
    [JsonIgnore]
    public bool CanBeMadeAnew { get; init; }

    /// <summary>systemd has another one at its address, which is not theirs (ReusePort=): there is no telling them apart.</summary>
    [JsonIgnore]
    public bool IsOneOfSeveral { get; init; }

    /// <summary>For people, as far as it can be told.</summary>
    [JsonIgnore]
    public string Words => (Kind.Family, Convert.FromHexString(Address)) switch
    {
        (SocketKind.Internet, var name) => $"{new IPEndPoint(new IPAddress(name.AsSpan(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(name.AsSpan(2)))}",
        (SocketKind.Internet6, var name) => $"{new IPEndPoint(new IPAddress(name.AsSpan(8, 16)), BinaryPrimitives.ReadUInt16BigEndian(name.AsSpan(2)))}",
        (SocketKind.Unix, [_, _, 0, .. var rest]) => $"@{Encoding.UTF8.GetString(rest)}",
        (SocketKind.Unix, [_, _, .. var rest]) => Encoding.UTF8.GetString(rest).TrimEnd('\0'),
        _ => $"an address of family {Kind.Family}",
    };

    public static void Write(string directory, IReadOnlyList<ActivatedSocket> sockets) =>
        ImageNote.Write(Path.Combine(directory, FileName), sockets, ActivatedSocketJson.Default.IReadOnlyListActivatedSocket);

    /// <summary>Of images that were verified.</summary>
    public static IReadOnlyList<ActivatedSocket> Read(string directory) =>
        ImageNote.Read(Path.Combine(directory, FileName), ActivatedSocketJson.Default.IReadOnlyListActivatedSocket) ?? [];

    private static IEnumerable<Descriptor> Sockets(int pid) =>
        ProcFs.Descriptors(pid).Where(descriptor => descriptor.SocketInode is not null).DistinctBy(descriptor => descriptor.SocketInode);

    private static ActivatedSocket? Read(SafeFileHandle? process, Descriptor descriptor)
    {
        using SafeFileHandle? socket = process is null ? null : Pidfd.Descriptor(process, descriptor.Fd);
        return socket is null || SocketKind.Of(socket) is not { } kind
            ? null
            : new ActivatedSocket(descriptor.SocketInode!.Value, kind, Convert.ToHexString(SocketKind.Address(socket)), descriptor.Flags) { CanBeMadeAnew = (kind.IsInternet || kind.Family == SocketKind.Unix) && kind.IsWaiting(socket) };
    }
}

[JsonSerializable(typeof(IReadOnlyList<ActivatedSocket>))]
internal sealed partial class ActivatedSocketJson : JsonSerializerContext;
