using System.Runtime.InteropServices;

namespace Nvwa.Criu;

/// <summary>What every request says: where the images are, where the log goes, how long it may take.</summary>
/// <remarks>
/// The images directory is given as an open descriptor of this process or as a path, never both. CRIU opens a
/// descriptor as <c>/proc/PID/fd/N</c>, where PID is the process that <em>made</em> the socket (the kernel notes it,
/// SO_PEERCRED): it works when this process called socketpair(2) itself, still lives, and is visible in CRIU's /proc;
/// CRIU's mount namespace does not matter. A path is opened by CRIU as it is; CRIU before 4.2 takes one only if it is a
/// symbolic link.
/// </remarks>
public abstract record CriuRequest
{
    /// <summary>CRIU's name for a log that was given none.</summary>
    public const string DefaultLogFile = "criu.log";

    private protected CriuRequest()
    {
    }

    /// <summary>Gets the directory of the images as an open descriptor of this process.</summary>
    public SafeHandle? ImagesDirectory { get; init; }

    /// <summary>Gets the directory of the images as an absolute path.</summary>
    public string? ImagesPath { get; init; }

    /// <summary>
    /// Gets the directory for the log and the statistics as an open descriptor of this process. Null: the images
    /// directory.
    /// </summary>
    public SafeHandle? WorkDirectory { get; init; }

    /// <summary>
    /// Gets the name of the log within the work directory; a mere name. It is truncated if it exists.
    /// </summary>
    public string LogFile { get; init; } = DefaultLogFile;

    public CriuLogLevel LogLevel { get; init; } = CriuLogLevel.Info;

    /// <summary>
    /// Gets an absolute path of a configuration file that overrides what this request says: the way to options that the
    /// protocol does not have. CRIU also reads /etc/criu/default.conf and $HOME/.criu/default.conf of its own accord;
    /// the request overrides those.
    /// </summary>
    public string? ConfigFile { get; init; }

    /// <summary>Gets how long the whole request may take, script handlers included.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Gets whether CRIU can do without an images directory for this request.</summary>
    private protected virtual bool NeedsImages => true;

    /// <summary>Throws <see cref="ArgumentException"/> for what can be seen to be wrong without asking CRIU.</summary>
    internal virtual void Validate()
    {
        if (ImagesDirectory is not null && ImagesPath is not null)
        {
            throw new ArgumentException("the images directory is given twice: as a descriptor and as a path");
        }

        if (NeedsImages && ImagesDirectory is null && ImagesPath is null)
        {
            throw new ArgumentException("the images directory is missing");
        }

        RequireAbsolute(ImagesPath, nameof(ImagesPath));
        RequireAbsolute(ConfigFile, nameof(ConfigFile));
        if (string.IsNullOrEmpty(LogFile) || LogFile is "." or ".." || LogFile.Contains('/', StringComparison.Ordinal))
        {
            throw new ArgumentException($"the log file must be a mere name, not '{LogFile}'");
        }

        if (!Enum.IsDefined(LogLevel))
        {
            throw new ArgumentException($"no such log level: {LogLevel}");
        }

        if (Deadline <= TimeSpan.Zero)
        {
            throw new ArgumentException("the deadline must lie ahead");
        }
    }

    private protected static void RequireAbsolute(string? path, string name)
    {
        if (path is not null && !path.StartsWith('/'))
        {
            throw new ArgumentException($"{name} must be an absolute path, not '{path}'");
        }
    }
}
