namespace Nvwa.Linux.Tests;

public sealed class SystemdOrderTests
{
    [Fact]
    public void A_unit_starts_after_those_it_is_ordered_after_and_stops_before_them()
    {
        Dictionary<string, IReadOnlyList<string>> after = new()
        {
            ["c"] = ["b", "elsewhere"],
            ["b"] = ["a"],
            ["a"] = [],
        };

        Assert.Equal(["a", "b", "c"], SystemdOrder.ForStart(["c", "a", "b"], after));
        Assert.Equal(["c", "b", "a"], SystemdOrder.ForStop(["a", "b", "c"], after));
    }

    [Fact]
    public void A_cycle_is_cut_and_no_unit_is_lost_or_named_twice()
    {
        Dictionary<string, IReadOnlyList<string>> after = new() { ["a"] = ["b"], ["b"] = ["a"], ["c"] = ["a"] };

        IReadOnlyList<string> ordered = SystemdOrder.ForStart(["a", "b", "c"], after);

        Assert.Equal(["a", "b", "c"], ordered.Order());
        Assert.True(ordered.ToList().IndexOf("a") < ordered.ToList().IndexOf("c"));
    }

    [Theory]
    [InlineData("a-b.service", "a_2db_2eservice")]
    [InlineData("1x@2.mount", "_31x_402_2emount")]
    [InlineData("", "_")]
    [InlineData("-.slice", "_2d_2eslice")]
    [InlineData("é.service", "_c3_a9_2eservice")]
    public void Object_paths_are_escaped_as_sd_bus_does(string unit, string escaped) =>
        Assert.Equal($"/org/freedesktop/systemd1/unit/{escaped}", SystemdPath.OfUnit(unit));
}
