using Nvwa.State;

namespace Nvwa.Tests.State;

public sealed class UpdateIdTests
{
    [Fact]
    public void An_update_is_named_by_the_moment_it_began_in_universal_time() =>
        Assert.Equal("20261121T073005Z", UpdateId.Of(new DateTimeOffset(2026, 11, 21, 9, 30, 5, 999, TimeSpan.FromHours(2))));

    [Fact]
    public void A_name_that_was_made_is_valid() => Assert.True(UpdateId.IsValid(UpdateId.Of(DateTimeOffset.UnixEpoch)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../20261121T093000Z")]
    [InlineData("20261121T093000Z/..")]
    [InlineData("20261121T093000Z ")]
    [InlineData(" 20261121T093000Z")]
    [InlineData("20261121T093000Z\0")]
    [InlineData("20261121T093000")]
    [InlineData("20261121t093000z")]
    [InlineData("20261321T093000Z")]
    [InlineData("20261121T253000Z")]
    [InlineData("redis")]
    [InlineData("1800")]
    public void Anything_else_is_not(string id) => Assert.False(UpdateId.IsValid(id));
}
