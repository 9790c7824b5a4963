using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>A kept process lives in a scope of its own: frozen as a whole, and restored into one of the same name.</summary>
internal static class Scopes
{
    public static SystemdTransientScope Of(Workload workload, IReadOnlyList<int> pids) =>
        new(workload.Unit, pids) { Description = $"Process {workload.Name}, kept by nvwa" };
}
