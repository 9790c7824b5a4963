namespace Nvwa.Criu;

/// <summary>What CRIU and the running kernel can do together, beyond a plain dump and restore.</summary>
/// <param name="MemoryTracking">Changed pages can be told from unchanged ones: pre-dumps are possible.</param>
/// <param name="LazyPages">
/// Pages can be brought after the processes run (userfaultfd with its non-cooperative events).
/// </param>
/// <param name="PidfdStore">A reused PID between two pre-dumps can be noticed.</param>
public sealed record CriuFeatures(bool MemoryTracking, bool LazyPages, bool PidfdStore);
