using System.Globalization;
using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>Error numbers of the generic Linux ABI, the same on x86-64 and arm64: see errno(3).</summary>
public static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int ENXIO = 6;
    public const int E2BIG = 7;
    public const int ENOEXEC = 8;
    public const int EBADF = 9;
    public const int ECHILD = 10;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EFAULT = 14;
    public const int ENOTBLK = 15;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int EXDEV = 18;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int ENOTTY = 25;
    public const int ETXTBSY = 26;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int ESPIPE = 29;
    public const int EROFS = 30;
    public const int EMLINK = 31;
    public const int EPIPE = 32;
    public const int ERANGE = 34;
    public const int ENAMETOOLONG = 36;
    public const int ENOSYS = 38;
    public const int ENOTEMPTY = 39;
    public const int ELOOP = 40;
    public const int ENODATA = 61;
    public const int EPROTO = 71;
    public const int EBADMSG = 74;
    public const int EOVERFLOW = 75;
    public const int ENOTSOCK = 88;
    public const int EMSGSIZE = 90;
    public const int EOPNOTSUPP = 95;
    public const int EADDRINUSE = 98;
    public const int EADDRNOTAVAIL = 99;
    public const int ENETDOWN = 100;
    public const int ENETUNREACH = 101;
    public const int ECONNABORTED = 103;
    public const int ECONNRESET = 104;
    public const int ENOBUFS = 105;
    public const int ENOTCONN = 107;
    public const int ETIMEDOUT = 110;
    public const int ECONNREFUSED = 111;
    public const int EHOSTUNREACH = 113;
    public const int EALREADY = 114;
    public const int EINPROGRESS = 115;
    public const int ESTALE = 116;
    public const int EDQUOT = 122;
    public const int ECANCELED = 125;
    public const int ENOKEY = 126;
    public const int EKEYEXPIRED = 127;
    public const int EKEYREVOKED = 128;
    public const int EKEYREJECTED = 129;

    private static readonly Dictionary<int, string> Names = new()
    {
        [EPERM] = nameof(EPERM),
        [ENOENT] = nameof(ENOENT),
        [ESRCH] = nameof(ESRCH),
        [EINTR] = nameof(EINTR),
        [EIO] = nameof(EIO),
        [ENXIO] = nameof(ENXIO),
        [E2BIG] = nameof(E2BIG),
        [ENOEXEC] = nameof(ENOEXEC),
        [EBADF] = nameof(EBADF),
        [ECHILD] = nameof(ECHILD),
        [EAGAIN] = nameof(EAGAIN),
        [ENOMEM] = nameof(ENOMEM),
        [EACCES] = nameof(EACCES),
        [EFAULT] = nameof(EFAULT),
        [ENOTBLK] = nameof(ENOTBLK),
        [EBUSY] = nameof(EBUSY),
        [EEXIST] = nameof(EEXIST),
        [EXDEV] = nameof(EXDEV),
        [ENODEV] = nameof(ENODEV),
        [ENOTDIR] = nameof(ENOTDIR),
        [EISDIR] = nameof(EISDIR),
        [EINVAL] = nameof(EINVAL),
        [ENFILE] = nameof(ENFILE),
        [EMFILE] = nameof(EMFILE),
        [ENOTTY] = nameof(ENOTTY),
        [ETXTBSY] = nameof(ETXTBSY),
        [EFBIG] = nameof(EFBIG),
        [ENOSPC] = nameof(ENOSPC),
        [ESPIPE] = nameof(ESPIPE),
        [EROFS] = nameof(EROFS),
        [EMLINK] = nameof(EMLINK),
        [EPIPE] = nameof(EPIPE),
        [ERANGE] = nameof(ERANGE),
        [ENAMETOOLONG] = nameof(ENAMETOOLONG),
        [ENOSYS] = nameof(ENOSYS),
        [ENOTEMPTY] = nameof(ENOTEMPTY),
        [ELOOP] = nameof(ELOOP),
        [ENODATA] = nameof(ENODATA),
        [EPROTO] = nameof(EPROTO),
        [EBADMSG] = nameof(EBADMSG),
        [EOVERFLOW] = nameof(EOVERFLOW),
        [ENOTSOCK] = nameof(ENOTSOCK),
        [EMSGSIZE] = nameof(EMSGSIZE),
        [EOPNOTSUPP] = nameof(EOPNOTSUPP),
        [EADDRINUSE] = nameof(EADDRINUSE),
        [EADDRNOTAVAIL] = nameof(EADDRNOTAVAIL),
        [ENETDOWN] = nameof(ENETDOWN),
        [ENETUNREACH] = nameof(ENETUNREACH),
        [ECONNABORTED] = nameof(ECONNABORTED),
        [ECONNRESET] = nameof(ECONNRESET),
        [ENOBUFS] = nameof(ENOBUFS),
        [ENOTCONN] = nameof(ENOTCONN),
        [ETIMEDOUT] = nameof(ETIMEDOUT),
        [ECONNREFUSED] = nameof(ECONNREFUSED),
        [EHOSTUNREACH] = nameof(EHOSTUNREACH),
        [EALREADY] = nameof(EALREADY),
        [EINPROGRESS] = nameof(EINPROGRESS),
        [ESTALE] = nameof(ESTALE),
        [EDQUOT] = nameof(EDQUOT),
        [ECANCELED] = nameof(ECANCELED),
        [ENOKEY] = nameof(ENOKEY),
        [EKEYEXPIRED] = nameof(EKEYEXPIRED),
        [EKEYREVOKED] = nameof(EKEYREVOKED),
        [EKEYREJECTED] = nameof(EKEYREJECTED),
    };

    /// <summary>The symbolic name, <c>errno 77</c> for a number that has none here.</summary>
    public static string Name(int errno) =>
        Names.TryGetValue(errno, out string? name) ? name : "errno " + errno.ToString(CultureInfo.InvariantCulture);

    /// <summary>The number whose text ends a message; EIO if there is none.</summary>
    internal static int FromMessage(string message)
    {
        foreach (int errno in Names.Keys)
        {
            if (message.EndsWith(Marshal.GetPInvokeErrorMessage(errno), StringComparison.Ordinal))
            {
                return errno;
            }
        }

        return EIO;
    }
}
