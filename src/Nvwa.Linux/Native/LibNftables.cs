using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>libnftables(3).</summary>
internal static partial class LibNftables
{
    private const string Library = "libnftables.so.1";
    private const uint NFT_CTX_DEFAULT = 0;

    /// <summary>A context that keeps what it would print.</summary>
    public static NftContext Open()
    {
        NftContext context = nft_ctx_new(NFT_CTX_DEFAULT);
        if (context.IsInvalid || nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0)
        {
            context.Dispose();
            throw new LinuxException("nft_ctx_new", null, Errno.ENOMEM);
        }

        return context;
    }

    /// <summary>
    /// Null if the commands were carried out, all of them in one transaction; otherwise nft's message.
    /// </summary>
    public static string? Run(NftContext context, string commands) =>
        nft_run_cmd_from_buffer(context, commands) == 0
            ? null
            : Marshal.PtrToStringUTF8(nft_ctx_get_error_buffer(context)) ?? "";

    /// <summary>struct nft_ctx: holds a netlink socket from its first to its last moment.</summary>
    internal sealed class NftContext : SafeHandle
    {
        public NftContext()
            : base(0, ownsHandle: true)
        {
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            nft_ctx_free(handle);
            return true;
        }
    }

    [LibraryImport(Library)]
    private static partial NftContext nft_ctx_new(uint flags);

    [LibraryImport(Library)]
    private static partial void nft_ctx_free(nint context);

    [LibraryImport(Library)]
    private static partial int nft_ctx_buffer_output(NftContext context);

    [LibraryImport(Library)]
    private static partial int nft_ctx_buffer_error(NftContext context);

    [LibraryImport(Library)]
    private static partial nint nft_ctx_get_error_buffer(NftContext context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int nft_run_cmd_from_buffer(NftContext context, string commands);
}
