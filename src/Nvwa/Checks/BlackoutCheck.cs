using System.Globalization;
using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>How long the pause will be, where an earlier update of this host measured it.</summary>
internal sealed class BlackoutCheck : IHostCheck
{
    public string Name => "blackout";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Workloads.Count == 0)
        {
            yield break;
        }

        KeptWorkload largest = host.Workloads.MaxBy(workload => workload.Bytes)!;
        yield return BlackoutForecast.Of(host.LastUpdate, largest.Bytes) is { } forecast
            ? CheckResult.Pass(
                Name, largest.Name,
                string.Create(CultureInfo.InvariantCulture, $"about {forecast.Milliseconds / 1000.0:0.0} s, as measured in update {forecast.UpdateId} with {forecast.MeasuredBytes >> 20} MiB of images"))
            : CheckResult.Pass(Name, largest.Name, "is not predicted: the last update of this host, if there was one, measured none");
    }
}
