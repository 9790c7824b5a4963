namespace Nvwa.Qemu;

/// <summary>QEMU could not save or load a machine. The conversation goes on.</summary>
public sealed class MigrationException(string reason, Exception? cause = null) : Exception(reason, cause);
