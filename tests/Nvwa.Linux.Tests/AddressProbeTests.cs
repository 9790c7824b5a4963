namespace Nvwa.Linux.Tests;

public sealed class AddressProbeTests
{
    private const string Broadcast = "ffffffffffff";
    private const string Other = "525400123456";
    private const string Own = "525400abcdef";
    private const string Nobody = "000000000000";
    private const string Arp = "0806" + "0001" + "0800" + "06" + "04";
    private const string Asks = "0001";
    private const string Answers = "0002";
    private const string Wanted = "c0000201";
    private const string Else = "c0000202";
    private const string Unset = "00000000";

    [Theory]
    [InlineData("an answer", Own + Other + Arp + Answers + Other + Wanted + Own + Unset, true)]
    [InlineData("an announcement", Broadcast + Other + Arp + Asks + Other + Wanted + Nobody + Wanted, true)]
    [InlineData("its owner asks for another", Broadcast + Other + Arp + Asks + Other + Wanted + Nobody + Else, true)]
    [InlineData("a probe for it", Broadcast + Other + Arp + Asks + Other + Unset + Nobody + Wanted, true)]
    [InlineData("our own probe, reflected", Broadcast + Own + Arp + Asks + Own + Unset + Nobody + Wanted, false)]
    [InlineData("somebody else looks for it", Broadcast + Other + Arp + Asks + Other + Else + Nobody + Wanted, false)]
    [InlineData("a probe for another", Broadcast + Other + Arp + Asks + Other + Unset + Nobody + Else, false)]
    [InlineData("another protocol", Own + Other + "0806" + "0006" + "0800" + "06" + "04" + Answers + Other + Wanted + Own + Unset, false)]
    [InlineData("cut short", Own + Other + Arp + Answers + Other + Wanted + Own, false)]
    public void Whoever_says_that_it_has_the_address_or_wants_it_is_found(string what, string frame, bool holds) =>
        Assert.Equal((what, holds ? "52:54:00:12:34:56" : null), (what, AddressProbe.Holder(Convert.FromHexString(frame), Convert.FromHexString(Own), Convert.FromHexString(Wanted))));
}
