using System.Globalization;

namespace Nvwa.Linux;

/// <summary>Units without files: systemd-run(1). They vanish when they end, failed or not (CollectMode).</summary>
public sealed partial class SystemdBus
{
    /// <summary>Makes a scope around processes that run already, and waits until they are in it.</summary>
    /// <param name="scope">What to make.</param>
    /// <param name="deadline">For the job to be done.</param>
    /// <param name="cancellationToken">Ends the wait; the job goes on.</param>
    /// <exception cref="SystemdException">
    /// <see cref="SystemdError.UnitExists"/>; <see cref="SystemdError.NoSuchProcess"/> if one of them is gone already;
    /// <see cref="SystemdError.JobNotDone"/>.
    /// </exception>
    /// <exception cref="LinuxException">ETIMEDOUT at the deadline; the job goes on.</exception>
    public Task StartTransientScopeAsync(
        SystemdTransientScope scope, TimeSpan deadline, CancellationToken cancellationToken) =>
        StartTransientAsync(scope.Name, message => AppendScope(message, scope), deadline, cancellationToken);

    /// <summary>Starts a program as a child of the manager, in a unit of its own that outlives this process.</summary>
    /// <param name="service">What to start. Started means what its <see cref="SystemdTransientService.Type"/> says.</param>
    /// <param name="deadline">For the job to be done.</param>
    /// <param name="cancellationToken">Ends the wait; the job goes on.</param>
    /// <exception cref="SystemdException">
    /// <see cref="SystemdError.UnitExists"/>; <see cref="SystemdError.JobNotDone"/>: the journal says why.
    /// </exception>
    /// <exception cref="LinuxException">ETIMEDOUT at the deadline; the job goes on.</exception>
    public Task StartTransientServiceAsync(
        SystemdTransientService service, TimeSpan deadline, CancellationToken cancellationToken) =>
        StartTransientAsync(
            service.Name, message => AppendService(message, service), deadline, cancellationToken);

    private Task StartTransientAsync(
        string name,
        Action<LibSystemd.Message> appendProperties,
        TimeSpan deadline,
        CancellationToken cancellationToken)
    {
        Deadline end = new(deadline);
        return Background.RunAsync(() => StartTransient(name, appendProperties, end, cancellationToken));
    }

    private void StartTransient(
        string name,
        Action<LibSystemd.Message> appendProperties,
        Deadline deadline,
        CancellationToken cancellationToken)
    {
        const string Operation = "StartTransientUnit";
        cancellationToken.ThrowIfCancellationRequested();
        using SystemdJobs jobs = new(_address);
        string job = jobs.Request(Operation, name, message => message
            .Append(name)
            .Append("fail")
            .Within('a', "(sv)", () => appendProperties(message))
            .Within('a', "(sa(sv))", () => { }));
        jobs.WaitForAll([job], deadline, cancellationToken);
        string result = jobs.Result(job) ?? throw new LinuxException(Operation, name, Errno.ETIMEDOUT);
        if (result != SystemdJobResult.Done)
        {
            throw new SystemdException(Operation, name, SystemdError.JobNotDone, $"the job ended with \"{result}\"");
        }
    }

    private static void AppendCommon(LibSystemd.Message message, string description, string? slice)
    {
        AppendText(message, "Description", description);
        AppendText(message, "CollectMode", "inactive-or-failed");
        if (slice is not null)
        {
            AppendText(message, "Slice", slice);
        }
    }

    private static void AppendScope(LibSystemd.Message message, SystemdTransientScope scope)
    {
        AppendCommon(message, scope.Description ?? scope.Name, scope.Slice);
        message.AppendProperty("Delegate", "b", () => message.Append(scope.IsDelegated));
        message.AppendProperty("PIDs", "au", () => message.AppendArray(scope.Pids));
    }

    private static void AppendService(LibSystemd.Message message, SystemdTransientService service)
    {
        AppendCommon(message, service.Description ?? service.Name, service.Slice);
        AppendText(message, "Type", service.Type);
        AppendText(message, "KillMode", service.KillMode);
        message.AppendProperty("DefaultDependencies", "b", () => message.Append(service.DefaultDependencies));
        message.AppendProperty(
            "Environment",
            "as",
            () => message.AppendArray(service.Environment.Select(pair => $"{pair.Key}={pair.Value}")));
        if (service.OomScoreAdjust is { } score)
        {
            message.AppendProperty("OOMScoreAdjust", "i", () => message.Append(score));
        }

        if (service.User is { } user)
        {
            AppendText(message, "User", user.ToString(CultureInfo.InvariantCulture));
        }

        if (service.WorkingDirectory is { } directory)
        {
            AppendText(message, "WorkingDirectory", directory);
        }

        if (service.StandardInput is { } input)
        {
            message.AppendProperty("StandardInputFileDescriptor", "h", () => message.Append(input));
        }

        message.AppendProperty("ExecStartEx", "a(sasas)", () => AppendCommand(message, service.Arguments));
    }

    /// <summary>Path, arguments with the program's name, flags: without this one, $NAME in an argument is expanded.</summary>
    private static void AppendCommand(LibSystemd.Message message, IReadOnlyList<string> arguments) =>
        message.Within('a', "(sasas)", () => message.Within('r', "sasas", () => message
            .Append(arguments[0])
            .AppendArray(arguments)
            .AppendArray(["no-env-expand"])));

    private static void AppendText(LibSystemd.Message message, string name, string value) =>
        message.AppendProperty(name, "s", () => message.Append(value));
}
