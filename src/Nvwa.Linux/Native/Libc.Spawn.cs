using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>posix_spawn(3) with its file actions and attributes, and the environment of this process.</summary>
internal static partial class Libc
{
    private const short POSIX_SPAWN_SETPGROUP = 0x02;
    private const short POSIX_SPAWN_SETSIGDEF = 0x04;
    private const short POSIX_SPAWN_SETSIGMASK = 0x08;
    private const short POSIX_SPAWN_SETSID = 0x80;

    /// <summary>glibc: posix_spawnattr_t has 336 bytes, posix_spawn_file_actions_t 80, sigset_t 128.</summary>
    private const int OpaqueSize = 512;

    public static int SpawnProgram(
        string file, string[] arguments, string[]? environment, SpawnActions actions, SpawnAttributes attributes)
    {
        string?[] argumentVector = [file, .. arguments, null];
        int errno;
        int pid;
        if (environment is null)
        {
            errno = posix_spawnp(out pid, file, actions.Pointer, attributes.Pointer, argumentVector, OwnEnvironment());
        }
        else
        {
            string?[] environmentVector = [.. environment, null];
            errno = posix_spawnp(out pid, file, actions.Pointer, attributes.Pointer, argumentVector, environmentVector);
        }

        CheckNumber(errno, "posix_spawn", file);
        return pid;
    }

    /// <summary>The C library's environ, as this process was given it.</summary>
    private static nint OwnEnvironment() =>
        Marshal.ReadIntPtr(NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ"));

    /// <summary>
    /// What the child does with descriptors and directory before it becomes the program, in the order of the calls.
    /// </summary>
    internal sealed class SpawnActions : IDisposable
    {
        public SpawnActions()
        {
            Pointer = Marshal.AllocHGlobal(OpaqueSize);
            CheckNumber(posix_spawn_file_actions_init(Pointer), nameof(posix_spawn_file_actions_init));
        }

        public nint Pointer { get; }

        public void Duplicate(int from, int to) =>
            CheckNumber(posix_spawn_file_actions_adddup2(Pointer, from, to), nameof(posix_spawn_file_actions_adddup2));

        public void Open(int descriptor, string path, int flags) =>
            CheckNumber(
                posix_spawn_file_actions_addopen(Pointer, descriptor, path, flags, 0),
                nameof(posix_spawn_file_actions_addopen),
                path);

        /// <summary>A descriptor that is not open is no error.</summary>
        public void Close(int descriptor) =>
            CheckNumber(posix_spawn_file_actions_addclose(Pointer, descriptor), nameof(posix_spawn_file_actions_addclose));

        public void CloseFrom(int descriptor) =>
            CheckNumber(
                posix_spawn_file_actions_addclosefrom_np(Pointer, descriptor),
                nameof(posix_spawn_file_actions_addclosefrom_np));

        public void ChangeDirectory(string path) =>
            CheckNumber(
                posix_spawn_file_actions_addchdir_np(Pointer, path),
                nameof(posix_spawn_file_actions_addchdir_np),
                path);

        public void Dispose()
        {
            _ = posix_spawn_file_actions_destroy(Pointer);
            Marshal.FreeHGlobal(Pointer);
        }
    }

    /// <summary>An empty signal mask, every signal at its default, and the family the child belongs to.</summary>
    internal sealed class SpawnAttributes : IDisposable
    {
        public SpawnAttributes(SpawnFamily family)
        {
            Pointer = Marshal.AllocHGlobal(OpaqueSize);
            CheckNumber(posix_spawnattr_init(Pointer), nameof(posix_spawnattr_init));
            Span<byte> signals = stackalloc byte[OpaqueSize];
            CheckNumber(posix_spawnattr_setsigmask(Pointer, signals), nameof(posix_spawnattr_setsigmask));

            // Not sigfillset(3), which leaves out glibc's two own signals: those its posix_spawn would then ignore.
            signals.Fill(byte.MaxValue);
            CheckNumber(posix_spawnattr_setsigdefault(Pointer, signals), nameof(posix_spawnattr_setsigdefault));
            short flags = family switch
            {
                SpawnFamily.Ours => POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK,
                SpawnFamily.OwnGroup => POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP,
                SpawnFamily.OwnSession => POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID,
                _ => throw new ArgumentOutOfRangeException(nameof(family)),
            };
            CheckNumber(posix_spawnattr_setflags(Pointer, flags), nameof(posix_spawnattr_setflags));
        }

        public nint Pointer { get; }

        public void Dispose()
        {
            _ = posix_spawnattr_destroy(Pointer);
            Marshal.FreeHGlobal(Pointer);
        }
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawnp(
        out int pid, string file, nint actions, nint attributes, string?[] arguments, nint environment);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawnp(
        out int pid, string file, nint actions, nint attributes, string?[] arguments, string?[] environment);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_init(nint actions);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_destroy(nint actions);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_adddup2(nint actions, int from, int to);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(
        nint actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addclose(nint actions, int descriptor);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addclosefrom_np(nint actions, int descriptor);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addchdir_np(nint actions, string path);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_init(nint attributes);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_destroy(nint attributes);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setflags(nint attributes, short flags);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setsigmask(nint attributes, ReadOnlySpan<byte> signals);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setsigdefault(nint attributes, ReadOnlySpan<byte> signals);
}
