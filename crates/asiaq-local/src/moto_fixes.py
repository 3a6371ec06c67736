# Where moto 5.2 is further from AWS than a rehearsal can bear. Run before the server starts.
# Scaling policies belong to a group: moto keeps them by name only, so that all groups share one `up` and one `down`.
# AWS removes the policies and scheduled actions of a group with the group.
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult

put_policy = AutoScalingBackend.put_scaling_policy
delete_group = AutoScalingBackend.delete_auto_scaling_group


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


AutoScalingBackend.put_scaling_policy = put_scaling_policy
AutoScalingBackend.delete_auto_scaling_group = delete_auto_scaling_group
AutoScalingResponse.delete_policy = delete_policy
AutoScalingResponse.execute_policy = execute_policy
