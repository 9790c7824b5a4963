using System.Net;

namespace Nvwa.Linux.Tests;

public sealed class GroupMembershipTests
{
    [Fact]
    public void Groups_are_below_the_line_of_their_interface() => Assert.Equal(
        [
            new JoinedGroup(SocketKind.Internet, 1, "lo", IPAddress.Parse("224.0.0.1")),
            new JoinedGroup(SocketKind.Internet, 2, "eth0", IPAddress.Parse("239.66.0.1")),
            new JoinedGroup(SocketKind.Internet, 2, "eth0", IPAddress.Parse("224.0.0.1")),
        ],
        GroupMembership.ParseIgmp(
        [
            "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter",
            "1\tlo        :     1      V3",
            "\t\t\t\t010000E0     1 0:00000000\t\t0",
            "2\teth0      :     2      V3",
            "\t\t\t\t010042EF     1 0:00000000\t\t0",
            "\t\t\t\t010000E0     1 0:00000000\t\t0",
        ]));

    [Fact]
    public void A_group_of_IPv6_is_a_line() => Assert.Equal(
        new JoinedGroup(SocketKind.Internet6, 2, "eth0", IPAddress.Parse("ff15::66")),
        GroupMembership.ParseIgmp6("2    eth0            ff150000000000000000000000000066     1 00000004 0"));

    [Theory]
    [InlineData("")]
    [InlineData("2 eth0 ff15")]
    public void A_line_of_another_shape_is_passed_over(string line) => Assert.Null(GroupMembership.ParseIgmp6(line));
}
