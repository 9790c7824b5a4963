namespace Nvwa.Qemu;

public enum GuestShutdown
{
    None = 0,
    PowerOff,
    Reboot,
    Halt,
}
