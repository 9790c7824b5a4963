using System.Text.Json;

namespace Nvwa.Qemu;

/// <param name="Name">QEMU's own name, such as "STOP" or "MIGRATION".</param>
/// <param name="Timestamp">QEMU's wall clock, in microseconds.</param>
/// <param name="Data">The event's data; an undefined element where the event has none.</param>
public sealed record QmpEvent(string Name, DateTimeOffset Timestamp, JsonElement Data);
