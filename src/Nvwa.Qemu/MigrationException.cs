namespace Nvwa.Qemu;

/// <summary>QEMU could not save or load a machine. The conversation goes on.</summary>
public class MigrationException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>A QEMU that has saved a suspended machine cannot go on with it.</summary>
public sealed class AsleepException() : MigrationException("it was suspended when it was saved, and its QEMU cannot go on with it");
