# Where moto 5.2 is further from AWS than a rehearsal can bear. Run before the server starts.
# Scaling policies belong to a group: moto keeps them by name only, so that all groups share one `up` and one `down`.
# AWS removes the policies and scheduled actions of a group with the group.
# DHCP options that a VPC no longer uses can be deleted.
# A terminated instance gives up its interfaces: those launched with it vanish, others become available.
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult
from moto.ec2.models.dhcp_options import DHCPOptionsSetBackend
from moto.ec2.models.instances import Instance

put_policy = AutoScalingBackend.put_scaling_policy
delete_group = AutoScalingBackend.delete_auto_scaling_group
associate_dhcp = DHCPOptionsSetBackend.associate_dhcp_options
prepare_interfaces = Instance.prep_nics
terminate_instance = Instance.terminate


def put_scaling_policy(self, name, **others):
    policy = put_policy(self, name=name, **others)
    self.policies.pop(name)
    self.policies[(others["as_name"], name)] = policy
    return policy


def delete_policy(self):
    key = (self._get_param("AutoScalingGroupName"), self._get_param("PolicyName"))
    self.autoscaling_backend.policies.pop(key, None)
    return EmptyResult()


def execute_policy(self):
    key = (self._get_param("AutoScalingGroupName"), self._get_param("PolicyName"))
    self.autoscaling_backend.policies[key].execute()
    return EmptyResult()


def delete_auto_scaling_group(self, group_name, *others):
    result = delete_group(self, group_name, *others)
    for key in [key for key in self.policies if key[0] == group_name]:
        del self.policies[key]
    for name in [n for n, action in self.scheduled_actions.items() if action.auto_scaling_group_name == group_name]:
        del self.scheduled_actions[name]
    return result


def associate_dhcp_options(self, dhcp_options, vpc):
    if vpc.dhcp_options:
        vpc.dhcp_options.vpc = None
    associate_dhcp(self, dhcp_options, vpc)


def prep_nics(self, nic_spec, *others, **named):
    given = {nic.get("NetworkInterfaceId") for nic in nic_spec}
    prepare_interfaces(self, nic_spec, *others, **named)
    self.own_nics = [nic for nic in self.nics.values() if nic.id not in given]


def terminate(self):
    state = terminate_instance(self)
    enis = self.ec2_backend.enis
    for nic in self.nics.values():
        if nic in self.own_nics:
            enis.pop(nic.id, None)
        else:
            nic.instance = nic.attachment_id = nic.attach_time = nic.device_index = None
            nic.status = "available"
    return state


AutoScalingBackend.put_scaling_policy = put_scaling_policy
AutoScalingBackend.delete_auto_scaling_group = delete_auto_scaling_group
AutoScalingResponse.delete_policy = delete_policy
AutoScalingResponse.execute_policy = execute_policy
DHCPOptionsSetBackend.associate_dhcp_options = associate_dhcp_options
Instance.prep_nics = prep_nics
Instance.terminate = terminate

# An update may change the termination policies, which moto forgets.
update_group = AutoScalingResponse.update_auto_scaling_group


def update_auto_scaling_group(self):
    result = update_group(self)
    params = self._get_params()
    if params.get("TerminationPolicies"):
        group = self.autoscaling_backend.autoscaling_groups[params["AutoScalingGroupName"]]
        group.termination_policies = params["TerminationPolicies"]
    return result


AutoScalingResponse.update_auto_scaling_group = update_auto_scaling_group
